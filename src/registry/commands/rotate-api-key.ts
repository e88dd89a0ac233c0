import { z } from 'zod';
import { createSecret, hashSecret } from '../../auth/api-key.js';
import { authorize, requireScopes } from '../../auth/permissions.js';
import { notFound, RegistryError } from '../../errors.js';
import { decideExpiry, requireGrantableByToken } from '../access/api-key-lifetime.js';
import { type CommandContext, runCommand } from '../command.js';
import { idempotencyKey, omittable, optional, readInput, uuid, wait } from '../input.js';

/** How long the previous key is accepted after a rotation, in seconds. */
export const defaultOverlapSeconds = 86_400;
export const maxOverlapSeconds = 2_592_000;

const RotateApiKeyInput = z.object({
  id: uuid,
  overlapSeconds: optional(
    z
      .int('must be a whole number')
      .min(0, 'must not be negative')
      .max(maxOverlapSeconds, `must be at most ${maxOverlapSeconds}`),
  ),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Creates a key with the name and scopes of another one, which expires after the overlap. Only this response has the
 * secret.
 */
export async function rotateApiKey(context: CommandContext, input: unknown) {
  authorize(context.caller, 'rotateApiKey');
  const wanted = readInput(RotateApiKeyInput, input);
  const secret = createSecret();
  const committed = await runCommand(context, 'rotateApiKey', wanted, async (tx) => {
    const now = new Date();
    const previous = await tx.apiKey.findUnique({ where: { id: wanted.id } });
    if (!previous) throw notFound('id', `no API key has the id ${wanted.id}`);
    requireScopes(context.caller, previous.scopes);
    requireGrantableByToken(context, previous.scopes);
    if (previous.revokedAt || (previous.expiresAt && previous.expiresAt <= now))
      throw new RegistryError(
        'CONFLICT',
        `API key ${wanted.id} is ${previous.revokedAt ? 'revoked' : 'expired'}: create a new key with createApiKey`,
      );
    const overlapMs = (wanted.overlapSeconds ?? defaultOverlapSeconds) * 1_000;
    const overlapEnd = new Date(now.getTime() + overlapMs);
    const { id } = await tx.apiKey.create({
      data: {
        name: previous.name,
        scopes: previous.scopes,
        secretHash: hashSecret(secret),
        createdBy: context.caller.actor,
        expiresAt: decideExpiry(context, undefined),
      },
    });
    // An overlap never lengthens the life of the previous key.
    if (!previous.expiresAt || previous.expiresAt > overlapEnd)
      await tx.apiKey.update({ where: { id: previous.id }, data: { expiresAt: overlapEnd } });
    return { apiKeyId: id, previousId: previous.id };
  });
  return { ...committed, secret: committed.repeated ? null : secret };
}
