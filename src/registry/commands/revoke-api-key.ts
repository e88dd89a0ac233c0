import { z } from 'zod';
import { authorize, requireScopes } from '../../auth/permissions.js';
import { notFound } from '../../errors.js';
import { type CommandContext, runCommand } from '../command.js';
import { idempotencyKey, omittable, readInput, uuid, wait } from '../input.js';

const RevokeApiKeyInput = z.object({
  id: uuid,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Revokes an API key. When the mutation answers, no gateway accepts the key any more. The caller needs the key's own
 * scopes, so that it cannot revoke what it could not create. Revoking a revoked key changes nothing.
 */
export async function revokeApiKey(context: CommandContext, input: unknown) {
  authorize(context.caller, 'revokeApiKey');
  const wanted = readInput(RevokeApiKeyInput, input);
  return runCommand(context, 'revokeApiKey', wanted, async (tx) => {
    const key = await tx.apiKey.findUnique({ where: { id: wanted.id } });
    if (!key) throw notFound('id', `no API key has the id ${wanted.id}`);
    requireScopes(context.caller, key.scopes);
    if (!key.revokedAt) await tx.apiKey.update({ where: { id: key.id }, data: { revokedAt: new Date() } });
    return { apiKeyId: key.id };
  });
}
