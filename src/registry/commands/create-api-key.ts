import { z } from 'zod';
import { createSecret, hashSecret } from '../../auth/api-key.js';
import { authorize, isScope, requireScopes, scopeList } from '../../auth/permissions.js';
import { decideExpiry, requireGrantableByToken } from '../access/api-key-lifetime.js';
import { type CommandContext, runCommand } from '../command.js';
import { idempotencyKey, omittable, optional, readInput, text, wait } from '../input.js';

const CreateApiKeyInput = z.object({
  name: text(100),
  scopes: z
    .array(z.string().refine(isScope, `must be one of ${scopeList}`))
    .min(1, 'must name at least one scope')
    .max(50, 'must be at most 50')
    .transform((scopes) => [...new Set(scopes)]),
  expiresAt: optional(z.date().refine((date) => date > new Date(), 'must be in the future')),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Creates an API key. Only this response has the secret: a request repeated with its idempotency key gets null. */
export async function createApiKey(context: CommandContext, input: unknown) {
  authorize(context.caller, 'createApiKey');
  const wanted = readInput(CreateApiKeyInput, input);
  requireScopes(context.caller, wanted.scopes);
  requireGrantableByToken(context, wanted.scopes);
  const expiresAt = decideExpiry(context, wanted.expiresAt);
  const secret = createSecret();
  const committed = await runCommand(
    context,
    'createApiKey',
    { ...wanted, wait: wanted.wait ?? 'COMMITTED' },
    async (tx) => {
      const { id } = await tx.apiKey.create({
        data: {
          name: wanted.name,
          scopes: wanted.scopes,
          secretHash: hashSecret(secret),
          createdBy: context.caller.actor,
          expiresAt,
        },
      });
      return { apiKeyId: id };
    },
  );
  return { ...committed, secret: committed.repeated ? null : secret };
}
