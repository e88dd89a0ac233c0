import { Group, NativeSelect, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useChange, useScreen } from '../../api/queries.js';
import {
  InviteTenantMemberDocument,
  type MemberRole,
  MembersDocument,
  type MembersQuery,
  RemoveTenantMemberDocument,
  RevokeInvitationDocument,
  UpdateTenantMemberDocument,
} from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { type Column, DataTable } from '../../parts/lists/data-table.js';
import { ListPager } from '../../parts/lists/list-pager.js';
import { useListState } from '../../parts/lists/list-state.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { StatusBadge } from '../../parts/values/status-badge.js';
import { TimeText } from '../../parts/values/time-text.js';
import { AllowedButton } from '../../session/allowed-button.js';
import { useRights } from '../../session/rights.js';
import { InviteDialog } from './invite-dialog.js';

type Member = NonNullable<MembersQuery['tenant']>['members']['edges'][number]['node'];

export function MembersTab({ tenantId }: { tenantId: string }) {
  const list = useListState({ name: 'members' });
  const query = useScreen(MembersDocument, { id: tenantId, ...list.page }, { keepsPrevious: true });
  const [isInviting, setInviting] = useState(false);
  const [token, setToken] = useState<string>();
  const renew = useChange(InviteTenantMemberDocument, {
    onDone: ({ inviteTenantMember }) => {
      setToken(inviteTenantMember?.invitationToken ?? undefined);
      setInviting(true);
    },
  });
  const revoke = useChange(RevokeInvitationDocument, { onDone: () => done('The invitation is revoked') });
  const columns: readonly Column<Member>[] = [
    { id: 'email', title: 'Email', cell: ({ email }) => email },
    { id: 'name', title: 'Name', cell: ({ fullName }) => fullName ?? '–' },
    { id: 'role', title: 'Role', cell: (member) => <Role tenantId={tenantId} member={member} /> },
    { id: 'status', title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
    { id: 'invitation', title: 'Invitation', cell: (member) => <Invitation member={member} /> },
    {
      id: 'actions',
      title: 'Actions',
      isPinned: true,
      cell: (member) => (
        <Group gap={4} wrap="nowrap">
          {member.status === 'INVITED' && (
            <>
              <AllowedButton
                action="inviteTenantMember"
                tenantId={tenantId}
                size="compact-xs"
                variant="default"
                loading={renew.isPending}
                onClick={() => renew.mutate({ input: { tenantId, email: member.email, role: member.role } })}
              >
                Renew
              </AllowedButton>
              {member.invitation && (
                <AllowedButton
                  action="revokeInvitation"
                  tenantId={tenantId}
                  size="compact-xs"
                  variant="default"
                  loading={revoke.isPending}
                  onClick={() =>
                    revoke.mutate({
                      input: { tenantId, memberId: member.id, expectedVersion: member.version },
                    })
                  }
                >
                  Revoke
                </AllowedButton>
              )}
            </>
          )}
          {member.status !== 'REMOVED' && <Remove tenantId={tenantId} member={member} />}
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      <Group>
        <AllowedButton action="inviteTenantMember" tenantId={tenantId} onClick={() => setInviting(true)}>
          Invite a member
        </AllowedButton>
      </Group>
      <ErrorCard error={renew.error ?? revoke.error} />
      <ScreenState query={query}>
        {({ tenant }) =>
          tenant && tenant.members.edges.length > 0 ? (
            <>
              <DataTable
                label="Members"
                columns={columns}
                rows={tenant.members.edges.map(({ node }) => node)}
                rowId={({ id }) => id}
                isStale={query.isPlaceholderData}
              />
              <ListPager list={list} pageInfo={tenant.members.pageInfo} />
            </>
          ) : (
            <EmptyState title="No members">Invite the first one; an admin can invite the others.</EmptyState>
          )
        }
      </ScreenState>
      <InviteDialog
        tenantId={tenantId}
        isOpen={isInviting}
        renewedToken={token}
        onClose={() => {
          setInviting(false);
          setToken(undefined);
        }}
      />
    </Stack>
  );
}

function Invitation({ member }: { member: Member }) {
  const { invitation } = member;
  if (!invitation || member.status !== 'INVITED') return '–';
  if (invitation.isExpired) return <StatusBadge status="EXPIRED" />;
  return (
    <>
      until <TimeText value={invitation.expiresAt} />
    </>
  );
}

function Role({ tenantId, member }: { tenantId: string; member: Member }) {
  const { mayIn } = useRights();
  const update = useChange(UpdateTenantMemberDocument, { onDone: () => done('The role is changed') });
  if (member.status === 'REMOVED' || !mayIn('updateTenantMember', tenantId)) return member.role.toLowerCase();
  return (
    <>
      <NativeSelect
        size="xs"
        w={110}
        aria-label={`Role of ${member.email}`}
        data={[
          { value: 'ADMIN', label: 'admin' },
          { value: 'MEMBER', label: 'member' },
        ]}
        value={member.role}
        disabled={update.isPending}
        onChange={(event) =>
          update.mutate({
            input: {
              ...{ tenantId, memberId: member.id, expectedVersion: member.version },
              role: event.currentTarget.value as MemberRole,
            },
          })
        }
      />
      <ErrorCard error={update.error} />
    </>
  );
}

function Remove({ tenantId, member }: { tenantId: string; member: Member }) {
  const [isOpen, setOpen] = useState(false);
  const remove = useChange(RemoveTenantMemberDocument, { onDone: () => setOpen(false) });
  return (
    <>
      <AllowedButton
        action="removeTenantMember"
        tenantId={tenantId}
        size="compact-xs"
        variant="outline"
        color="red"
        onClick={() => setOpen(true)}
      >
        Remove
      </AllowedButton>
      <Confirm
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={`Remove ${member.email}`}
        verb="Remove"
        isDangerous
        change={remove}
        onConfirm={() =>
          remove.mutate({ input: { tenantId, memberId: member.id, expectedVersion: member.version } })
        }
      >
        The member’s tokens are rejected from now on, and open invitations stop working.
      </Confirm>
    </>
  );
}

function done(message: string): void {
  notifications.show({ color: 'teal', message });
}
