import {
  Alert,
  Button,
  Group,
  Modal,
  NativeSelect,
  NumberInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../api/queries.js';
import { InviteTenantMemberDocument, type MemberRole } from '../../generated/graphql.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { CopyText } from '../../parts/values/copy-text.js';

interface InviteDialogProps {
  tenantId: string;
  isOpen: boolean;
  /** The token of an invitation that was renewed. */
  renewedToken: string | undefined;
  onClose: () => void;
}

/** Invites a person, and shows the token of the invitation once. */
export function InviteDialog({ tenantId, isOpen, renewedToken, onClose }: InviteDialogProps) {
  const [email, setEmail] = useState('');
  const [fullName, setFullName] = useState('');
  const [role, setRole] = useState<MemberRole>('MEMBER');
  const [validDays, setValidDays] = useState(7);
  const invite = useChange(InviteTenantMemberDocument);
  const token = renewedToken ?? invite.data?.inviteTenantMember?.invitationToken;
  const close = () => {
    invite.reset();
    setEmail('');
    setFullName('');
    onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate({
      input: {
        tenantId,
        email: email.trim(),
        role,
        validDays,
        ...(fullName.trim() && { fullName: fullName.trim() }),
      },
    });
  };
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title={token ? 'The invitation' : 'Invite a member'}
      closeButtonProps={{ 'aria-label': 'Close' }}
      closeOnClickOutside={!token}
    >
      {token || invite.isSuccess ? (
        <Stack>
          {token ? (
            <Alert title="Send this token to the person now">
              <Text size="sm" mb="xs">
                The registry keeps only a hash of it and shows it this once. The person accepts with it.
              </Text>
              <CopyText value={token} label="token" />
            </Alert>
          ) : (
            <Text size="sm">The person is an active member already and needs no invitation.</Text>
          )}
          <Button onClick={close}>Done</Button>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label="Email"
              inputMode="email"
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
              required
              data-autofocus
            />
            <TextInput
              label="Full name"
              value={fullName}
              onChange={(event) => setFullName(event.currentTarget.value)}
              dir="auto"
            />
            <NativeSelect
              label="Role"
              data={[
                { value: 'MEMBER', label: 'member: reads the tenant' },
                { value: 'ADMIN', label: 'admin: changes settings, branding and members too' },
              ]}
              value={role}
              onChange={(event) => setRole(event.currentTarget.value as MemberRole)}
            />
            <NumberInput
              label="Valid for days"
              min={1}
              max={365}
              hideControls
              value={validDays}
              onChange={(value) => typeof value === 'number' && setValidDays(value)}
            />
            <ErrorCard error={invite.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={invite.isPending} disabled={email.trim() === ''}>
                Invite
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
