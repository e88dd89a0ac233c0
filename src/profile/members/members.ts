import { z } from 'zod';
import type { Member, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { notFound, RegistryError } from '../../errors.js';
import { requireVersion } from '../../registry/tenants/tenant.js';
import { insertInvitation, requireInvitation, withdrawInvitations } from './invitation.js';

export const memberRole = z.enum(['ADMIN', 'MEMBER'], { error: 'must be ADMIN or MEMBER' });

export interface Invited {
  email: string;
  fullName?: string | undefined;
  /** Default: the role of a member who is there, else MEMBER. */
  role?: Member['role'] | undefined;
}

/** The data of an invitation besides its member: the token, which is stored as a hash only, and the sender. */
export interface Sending {
  token: string;
  days?: number | undefined;
  actor: string;
}

export interface PutMember {
  memberId: string;
  /** null for an active member, who has nothing to accept. */
  invitationId: string | null;
}

/**
 * Makes the address a member of the tenant and invites it; the caller has locked the tenant. A removed member, or one that has
 * not accepted yet, is invited again. A person known from another tenant gets the same name. Throws QUOTA_EXCEEDED, and
 * CONFLICT for a member who is there with another role.
 */
export async function putMember(
  tx: Transaction,
  tenant: Pick<Tenant, 'id' | 'slug' | 'maxUsers'>,
  { email: address, fullName, role }: Invited,
  sending: Sending,
): Promise<PutMember> {
  const email = address.toLowerCase();
  const tenantId = tenant.id;
  const existing = await tx.member.findUnique({ where: { tenantId_email: { tenantId, email } } });
  const present = existing?.status === 'REMOVED' ? undefined : (existing ?? undefined);
  if (!present) await requireRoom(tx, tenant);
  if (present && role !== undefined && role !== present.role)
    throw new RegistryError(
      'CONFLICT',
      `${email} is a member of tenant ${tenant.slug} already, as ${present.role}: change the role with updateTenantMember`,
    );
  const name = fullName ?? existing?.fullName ?? (await findName(tx, email));
  const status = existing?.status === 'ACTIVE' ? 'ACTIVE' : 'INVITED';
  const fields = { role: role ?? present?.role ?? 'MEMBER', status, fullName: name ?? null } as const;
  const member = existing
    ? await tx.member.update({ where: { id: existing.id }, data: fields })
    : await tx.member.create({ data: { tenantId, email, ...fields } });
  if (status === 'ACTIVE') return { memberId: member.id, invitationId: null };
  return { memberId: member.id, invitationId: await insertInvitation(tx, member, sending) };
}

/** Returns a member of the tenant that is not removed. Throws NOT_FOUND, VERSION_CONFLICT, CONFLICT for a removed one. */
export async function requireMember(
  tx: Transaction,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  memberId: string,
  expectedVersion: number | undefined,
): Promise<Member> {
  const member = await tx.member.findFirst({ where: { id: memberId, tenantId: tenant.id } });
  if (!member) throw notFound('memberId', `there is no member ${memberId} in tenant ${tenant.slug}`);
  requireVersion(`Member ${memberId}`, member.version, expectedVersion);
  if (member.status === 'REMOVED')
    throw new RegistryError(
      'CONFLICT',
      `Member ${memberId} is removed already: invite ${member.email} again with inviteTenantMember`,
    );
  return member;
}

/** Removes a member from the tenant with its subject and its invitations. */
export async function removeMember(tx: Transaction, { id }: Pick<Member, 'id'>): Promise<void> {
  await withdrawInvitations(tx, id);
  await tx.member.update({ where: { id }, data: { status: 'REMOVED', subject: null } });
}

/** Removes all members except an admin with this address. */
export async function removeOthers(tx: Transaction, tenantId: string, address: string): Promise<void> {
  const admin = { email: address.toLowerCase(), role: 'ADMIN' } as const;
  const others = { tenantId, status: { not: 'REMOVED' }, NOT: admin } as const;
  for (const member of await tx.member.findMany({ where: others })) await removeMember(tx, member);
}

/**
 * Binds the invited member of a token to a subject. Repeated with the same subject it changes nothing. Throws
 * VALIDATION_ERROR for a token that is no longer valid, and CONFLICT when it was used or the subject is a member
 * already.
 */
export async function bindMember(
  tx: Transaction,
  { id: tenantId, slug }: Pick<Tenant, 'id' | 'slug'>,
  { token, subject, fullName }: { token: string; subject: string; fullName?: string | undefined },
): Promise<void> {
  // Read again, because the invitation may have been used or withdrawn before the tenant was locked.
  const { id, memberId, acceptedAt } = await requireInvitation(tx, token);
  const bound = await tx.member.findUnique({ where: { tenantId_subject: { tenantId, subject } } });
  if (acceptedAt && bound?.id === memberId) return;
  if (acceptedAt)
    throw new RegistryError('CONFLICT', 'The invitation was already accepted: ask for a new one');
  if (bound)
    throw new RegistryError(
      'CONFLICT',
      `The subject is already a member of tenant ${slug}, as ${bound.email}`,
    );
  await tx.invitation.update({ where: { id }, data: { acceptedAt: new Date() } });
  const fields = { status: 'ACTIVE', subject, ...(fullName !== undefined && { fullName }) } as const;
  await tx.member.update({ where: { id: memberId }, data: fields });
}

async function requireRoom(
  tx: Transaction,
  { id, slug, maxUsers }: Pick<Tenant, 'id' | 'slug' | 'maxUsers'>,
): Promise<void> {
  // Services record users of their own, so the counter is locked before both are added.
  const lock = `SELECT registry_lock_usage($1, 'users')`;
  const read = `SELECT used::int FROM registry_usage($1, 'users')`;
  const [, usage] = await tx.send(
    { text: lock, values: [id], isFrequent: true },
    { text: read, values: [id], isFrequent: true },
  );
  const count: number = usage?.rows[0]?.used;
  if (count < maxUsers) return;
  throw new RegistryError(
    'QUOTA_EXCEEDED',
    `Tenant ${slug} has ${count} of at most ${maxUsers} users: remove one, or raise maxUsers`,
  );
}

/**
 * Keeps admins from leaving their tenant without one, by mistake: an operator would have to help. An admin who is only invited
 * does not replace an active one. Throws CONFLICT.
 */
export async function requireOtherAdmin(
  tx: Transaction,
  { id: tenantId, slug }: Pick<Tenant, 'id' | 'slug'>,
  { id, email, status, role }: Member,
): Promise<void> {
  if (role !== 'ADMIN') return;
  const others = { tenantId, role: 'ADMIN', id: { not: id } } as const;
  const count = await tx.member.count({
    where: { ...others, status: status === 'ACTIVE' ? 'ACTIVE' : { not: 'REMOVED' } },
  });
  if (count > 0) return;
  throw new RegistryError(
    'CONFLICT',
    `${email} is the last ${status === 'ACTIVE' ? 'active ' : ''}admin of tenant ${slug}: invite another admin and wait until that one has accepted`,
  );
}

async function findName(tx: Transaction, email: string): Promise<string | undefined> {
  const known = await tx.member.findFirst({
    where: { email, fullName: { not: null } },
    orderBy: [{ updatedAt: 'desc' }, { id: 'asc' }],
  });
  return known?.fullName ?? undefined;
}
