import { RegistryError } from '../errors.js';
import { type Caller, developer } from './caller.js';
import type { FindCaller } from './key-cache.js';

/**
 * Who stands behind an `Authorization` header. Works on plain values, so that any HTTP reader can call it before
 * anything of the request is executed. Throws UNAUTHENTICATED.
 */
export async function authenticate(
  authorization: string | undefined,
  options: { authMode: 'open' | 'required'; findCaller: FindCaller },
): Promise<Caller> {
  if (authorization === undefined || authorization === '') {
    if (options.authMode === 'open') return developer;
    throw new RegistryError('UNAUTHENTICATED', 'Send an API key or a token: "Authorization: Bearer …"');
  }
  const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const caller = secret && (await options.findCaller(secret));
  if (!caller)
    throw new RegistryError(
      'UNAUTHENTICATED',
      'The API key is unknown, revoked or expired: send "Authorization: Bearer trk_…" with a valid one; ' +
        'tokens of an identity provider are taken where JWT_ISSUER and JWT_AUDIENCE are set',
    );
  return caller;
}
