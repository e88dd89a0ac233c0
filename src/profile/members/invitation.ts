import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { hashSecret } from '../../auth/api-key.js';
import type { Invitation } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { invalidField } from '../../errors.js';
import { daysFromNow } from '../../registry/input.js';

/** Prefix of all secrets of the registry, by which scanners and the log redaction recognise them. */
const tokenPrefix = 'trk_inv_';

/** Default validity of an invitation, in days. */
const defaultDays = 7;

export const validDays = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(90, 'must be at most 90');

/** Creates a token of 256 random bits. It is shown once and stored as a hash. */
export function createInvitationToken(): string {
  return tokenPrefix + randomBytes(32).toString('base64url');
}

export function isInvitationToken(text: string): boolean {
  return /^trk_inv_[\w-]{43}$/.test(text);
}

/** Inserts an invitation of a member and withdraws the member's earlier ones. */
export async function insertInvitation(
  tx: Transaction,
  { id: memberId, tenantId }: { id: string; tenantId: string },
  { token, days = defaultDays, actor }: { token: string; days?: number | undefined; actor: string },
): Promise<string> {
  await withdrawInvitations(tx, memberId);
  const { id } = await tx.invitation.create({
    data: {
      tenantId,
      memberId,
      tokenHash: hashSecret(token),
      createdBy: actor,
      expiresAt: daysFromNow(days),
    },
  });
  return id;
}

/** Returns the invitation of a token. Throws VALIDATION_ERROR for an unknown, withdrawn or expired one. */
export async function requireInvitation(tx: Transaction, token: string): Promise<Invitation> {
  const invitation = await tx.invitation.findUnique({ where: { tokenHash: hashSecret(token) } });
  if (!invitation)
    throw invalidField('token', 'belongs to no invitation, or to a withdrawn one: ask for a new invitation');
  if (invitation.acceptedAt === null && invitation.expiresAt <= new Date())
    throw invalidField(
      'token',
      `belongs to an invitation that expired on ${invitation.expiresAt.toISOString()}: ask for a new invitation`,
    );
  return invitation;
}

/** Deletes the invitations of a member that nobody has accepted, and returns their number. */
export async function withdrawInvitations(tx: Transaction, memberId: string): Promise<number> {
  return (await tx.invitation.deleteMany({ where: { memberId, acceptedAt: null } })).count;
}
