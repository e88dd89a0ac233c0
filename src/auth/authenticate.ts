import type { RegistryDatabase } from '../database/registry-database.js';
import { RegistryError } from '../errors.js';
import { findCallerBySecret } from './api-key.js';
import { type Caller, developer } from './caller.js';

/**
 * Who stands behind an `Authorization` header. Works on plain values, so that any HTTP reader can call it before
 * anything of the request is executed. Throws UNAUTHENTICATED.
 */
export async function authenticate(
  authorization: string | undefined,
  options: { authMode: 'open' | 'required'; database: RegistryDatabase },
): Promise<Caller> {
  if (authorization === undefined || authorization === '') {
    if (options.authMode === 'open') return developer;
    throw new RegistryError('UNAUTHENTICATED', 'Send an API key: "Authorization: Bearer trk_…"');
  }
  const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const caller = secret && (await findCallerBySecret(options.database, secret));
  if (!caller)
    throw new RegistryError(
      'UNAUTHENTICATED',
      'The API key is unknown, revoked or expired: send "Authorization: Bearer trk_…" with a valid one',
    );
  return caller;
}
