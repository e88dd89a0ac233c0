import { invalidField, RegistryError } from '../../errors.js';
import type { CommandContext } from '../command.js';
import { daysFromNow } from '../input.js';

/**
 * When a new key expires. A key that a token created ends after a maximum time: its subject may have left the company
 * meanwhile, and the identity provider cannot end the key.
 */
export function decideExpiry(
  { caller, apiKeyLifetimeDays, tokenKeyLifetimeDays }: CommandContext,
  asked: Date | undefined,
): Date {
  if (caller.kind !== 'identity') return asked ?? daysFromNow(apiKeyLifetimeDays);
  const latest = daysFromNow(tokenKeyLifetimeDays);
  if (asked && asked > latest)
    throw invalidField(
      'expiresAt',
      `must be at most ${tokenKeyLifetimeDays} days from now, because a token creates the key`,
    );
  return asked ?? latest;
}

/** A key with keys:manage could create keys that outlive the limit for keys of tokens. */
export function requireGrantableByToken({ caller }: CommandContext, scopes: readonly string[]): void {
  if (caller.kind !== 'identity' || !scopes.includes('keys:manage')) return;
  throw new RegistryError(
    'FORBIDDEN',
    'A token cannot create a key with scope keys:manage: use an API key or "tenant-registry keys create"',
  );
}
