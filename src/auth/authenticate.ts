import { AuthenticationFailure } from './authentication-failure.js';
import { type Caller, developer } from './caller.js';
import type { FindCaller } from './key-cache.js';

interface AuthenticateOptions {
  authMode: 'open' | 'required';
  findCaller: FindCaller;
  /** Runs the look-up of credentials that are not familiar, or refuses it. */
  attempt?: ((work: () => Promise<Caller>) => Promise<Caller>) | undefined;
}

const scheme = 'Bearer ';

/** The caller behind an `Authorization` header with a key that is known. */
export function peekCaller(authorization: string | undefined, findCaller: FindCaller): Caller | undefined {
  return authorization?.startsWith(scheme) ? findCaller.peek(authorization.slice(scheme.length)) : undefined;
}

/**
 * The caller behind an `Authorization` header, at once for a key that is known. Works on plain values, so that any HTTP
 * reader can call it before anything of the request is executed. Throws or rejects with UNAUTHENTICATED.
 */
export function authenticate(
  authorization: string | undefined,
  { authMode, findCaller, attempt }: AuthenticateOptions,
): Caller | Promise<Caller> {
  if (authorization === undefined || authorization === '') {
    if (authMode === 'open') return developer;
    throw new AuthenticationFailure('missing', 'Send an API key or a token: "Authorization: Bearer …"');
  }
  const known = peekCaller(authorization, findCaller);
  if (known) return known;
  const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const work = () => findUnknown(secret, findCaller);
  return attempt && !(secret && findCaller.isFamiliar(secret)) ? attempt(work) : work();
}

async function findUnknown(secret: string | undefined, findCaller: FindCaller): Promise<Caller> {
  const caller = secret && (await findCaller.find(secret));
  if (!caller)
    throw new AuthenticationFailure(
      secret ? 'unknown_key' : 'malformed',
      'The API key is unknown, revoked or expired: send "Authorization: Bearer trk_…" with a valid one; ' +
        'tokens of an identity provider are taken where JWT_ISSUER and JWT_AUDIENCE are set',
    );
  return caller;
}
