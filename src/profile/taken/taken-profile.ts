/** What older platforms know about a tenant: fields, settings, branding, configuration, members and external ids. */
import { z } from 'zod';
import { hashSecret } from '../../auth/api-key.js';
import type { Caller } from '../../auth/caller.js';
import { isSubject } from '../../auth/token-claims.js';
import type { Prisma, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { giveExternalIds } from '../../registry/external-id-rows.js';
import { date, email, externalId, omittable, optional, text } from '../../registry/input.js';
import { givenFields, tenantFields } from '../../registry/tenants/tenant-fields.js';
import { configObject } from '../config/tenant-config.js';
import { isInvitationToken } from '../members/invitation.js';
import { memberRole } from '../members/members.js';
import type { Profile } from '../onboarding.js';
import { brandingFields, settingsFields } from '../profile-fields.js';

const { isProtected: _, internalNote: __, ...takenFields } = tenantFields;

const TakenMemberShape = z.object({
  email,
  fullName: optional(text(200)),
  role: memberRole,
  status: z.enum(['INVITED', 'ACTIVE', 'REMOVED']),
  /** Subject of the identity provider's tokens, for a member who is bound at once. */
  subject: optional(z.string().refine(isSubject, 'must be the "sub" of a token')),
  createdAt: optional(date),
  /** A new invitation; its token is stored as a hash. */
  invitation: omittable(z.object({ token: z.string().refine(isInvitationToken), expiresAt: z.date() })),
});

export const TakenProfileShape = z.object({
  tenant: z.object({
    ...takenFields,
    createdAt: optional(date),
    createdBy: optional(text(200)),
    suspendedAt: optional(date),
  }),
  settings: z.object(settingsFields),
  branding: z.object(brandingFields),
  config: optional(configObject),
  externalIds: z.array(externalId),
  members: z.array(TakenMemberShape),
});

export type TakenProfile = z.output<typeof TakenProfileShape>;
type TakenMember = TakenProfile['members'][number];

/** The part that is inserted together with the tenant. */
export function profileOf({ settings, branding, config }: TakenProfile): Profile {
  return givenFields({
    settings: givenFields(settings),
    branding: givenFields(branding),
    config: config as Prisma.InputJsonObject | undefined,
  });
}

/** Inserts the external ids and the members of a tenant, without regard to its limit of users: they were there before. */
export async function insertTakenRows(
  tx: Transaction,
  caller: Caller,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  { externalIds, members }: Pick<TakenProfile, 'externalIds' | 'members'>,
): Promise<void> {
  await giveExternalIds(tx, { caller, tenant, field: 'externalIds' }, externalIds);
  await putTakenMembers(tx, tenant.id, members, caller.actor);
}

/** Inserts members, and writes role, status and subject of those that are there. */
async function putTakenMembers(
  tx: Transaction,
  tenantId: string,
  members: readonly TakenMember[],
  actor: string,
): Promise<void> {
  if (members.length === 0) return;
  const emails = members.map((member) => member.email.toLowerCase());
  const existing = await tx.member.findMany({ where: { tenantId, email: { in: emails } } });
  const ids = new Map(existing.map(({ email: address, id }) => [address, id]));
  const created = members.filter((member) => !ids.has(member.email.toLowerCase()));
  const inserted = await tx.member.createManyAndReturn({
    data: created.map(({ invitation: _invitation, ...member }) => ({
      tenantId,
      ...givenFields(member),
      email: member.email.toLowerCase(),
    })),
    select: { id: true, email: true },
  });
  for (const member of members) {
    const id = ids.get(member.email.toLowerCase());
    if (id === undefined) continue;
    const { role, status, subject = null, fullName } = member;
    if (status === 'REMOVED') await tx.invitation.deleteMany({ where: { memberId: id, acceptedAt: null } });
    await tx.member.update({
      where: { id },
      data: givenFields({ role, status, fullName, subject: status === 'REMOVED' ? null : subject }),
    });
  }
  for (const { id, email: address } of inserted) ids.set(address, id);
  const invitations = members.flatMap(({ email: address, invitation }) => {
    const memberId = ids.get(address.toLowerCase());
    if (!invitation || memberId === undefined) return [];
    return [
      {
        tenantId,
        memberId,
        tokenHash: hashSecret(invitation.token),
        createdBy: actor,
        expiresAt: invitation.expiresAt,
      },
    ];
  });
  if (invitations.length > 0) await tx.invitation.createMany({ data: invitations });
}
