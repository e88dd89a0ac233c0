import DataLoader from 'dataloader';
import type { Invitation, Member } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type RowForm, readJsonRow } from '../../database/statements/row.js';
import type { ListEntry, ListPosition } from '../../registry/lists/list-cursor.js';
import type { ListPage } from '../../registry/lists/list-page-sql.js';
import { listPages } from '../../registry/lists/page-batch.js';

/** A page of the members of one tenant, by e-mail address. */
interface MembersKey {
  tenantId: string;
  page: ListPage;
}

/** A member with its newest invitation. */
type ListedMember = Member & { invitations: Omit<Invitation, 'tokenHash'>[] };

export type MembersLoader = DataLoader<MembersKey, ListEntry<ListedMember>[], string>;

/** Loads pages of members with one statement for any number of tenants. */
export function createMembersLoader(database: Pick<RegistryDatabase, 'readRows'>): MembersLoader {
  return new DataLoader((keys) => listPages(database, keys, membersOfTenants), {
    cacheKeyFn: (key) => JSON.stringify(key),
  });
}

type Row = Readonly<Record<string, unknown>>;

interface MemberJson {
  member: Row;
  invitation: Row | null;
}

const memberRow: RowForm = {
  enums: new Set(['role', 'status']),
  times: ['createdAt', 'updatedAt'],
};

const invitationRow: RowForm = { enums: new Set(), times: ['createdAt', 'expiresAt', 'acceptedAt'] };

function readMemberJson({ member, invitation }: MemberJson): ListedMember {
  // All columns of the table are fields of the model, which a test compares.
  return {
    ...readJsonRow(memberRow, member),
    invitations: invitation ? [readJsonRow(invitationRow, invitation)] : [],
  } as unknown as ListedMember;
}

const membersOfTenants = {
  parent: { tenant: { type: 'uuid', of: ({ tenantId }: MembersKey) => tenantId } },
  // An address is there once in a tenant.
  order: { email: { type: 'text', of: ({ value }: ListPosition) => value } },
  from: 'members WHERE tenant_id = wanted.tenant',
  ...{ id: 'id', value: 'email' },
  json: `(SELECT json_build_object('member', row_to_json(member.*), 'invitation', (
      SELECT row_to_json(newest.*) FROM (
        SELECT id, tenant_id, member_id, created_at, created_by, expires_at, accepted_at FROM invitations WHERE member_id = member.id
        ORDER BY created_at DESC, id DESC LIMIT 1) AS newest))
    FROM members AS member WHERE member.id = page.id)`,
  read: readMemberJson,
};
