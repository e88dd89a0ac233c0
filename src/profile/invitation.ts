import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { hashSecret } from '../auth/api-key.js';
import type { Invitation } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { invalidField } from '../errors.js';
import { daysFromNow } from '../registry/input.js';

/** Under the mark of the registry's secrets: scanners know it, and logs leave it out. */
const tokenPrefix = 'trk_inv_';

/** For how many days an invitation is good when nobody says otherwise. */
const defaultDays = 7;

export const validDays = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(90, 'must be at most 90');

/** 256 random bits; shown once, kept as a hash. */
export function createInvitationToken(): string {
  return tokenPrefix + randomBytes(32).toString('base64url');
}

export function isInvitationToken(text: string): boolean {
  return /^trk_inv_[\w-]{43}$/.test(text);
}

/** An invitation of a member; those that the member was sent before open nothing any more. */
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

/** The invitation that a token opens. Throws VALIDATION_ERROR for a token that opens none, or none any more. */
export async function requireInvitation(tx: Transaction, token: string): Promise<Invitation> {
  const invitation = await tx.invitation.findUnique({ where: { tokenHash: hashSecret(token) } });
  if (!invitation)
    throw invalidField('token', 'opens no invitation, or one that was withdrawn: ask for a new one');
  if (invitation.acceptedAt === null && invitation.expiresAt <= new Date())
    throw invalidField(
      'token',
      `is of an invitation that ended on ${invitation.expiresAt.toISOString()}: ask for a new one`,
    );
  return invitation;
}

export async function withdrawInvitations(tx: Transaction, memberId: string): Promise<void> {
  await tx.invitation.deleteMany({ where: { memberId, acceptedAt: null } });
}
