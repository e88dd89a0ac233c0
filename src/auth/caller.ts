/** Who asks. Every command and every guarded read gets one; there is no anonymous caller. */
export interface Caller {
  kind: 'developer' | 'api-key' | 'identity' | 'operator' | 'gateway';
  /** What the audit log shows: "developer", "api-key:<id>", "subject:<sub>", "operator:<system user>", "gateway". */
  actor: string;
  scopes: ReadonlySet<string>;
  /** Time of day in milliseconds since 1970 from which the credential is rejected; undefined: it has no end of its own. */
  expiresAt?: number | undefined;
  /** Who came with a token of the identity provider, and as what it belongs to which tenants. */
  identity?: { subject: string; roles: ReadonlyMap<string, MemberRole> };
}

export type MemberRole = 'ADMIN' | 'MEMBER';

/** `AUTH_MODE=open` only: whoever sits at the machine. */
export const developer: Caller = { kind: 'developer', actor: 'developer', scopes: new Set(['*']) };

/** The gateway on its own account: the demo, clearing up after a crash. */
export const gateway: Caller = { kind: 'gateway', actor: 'gateway', scopes: new Set(['*']) };

/** Somebody at the command line who holds the database's URL. */
export function operator(systemUser: string): Caller {
  return { kind: 'operator', actor: `operator:${systemUser}`, scopes: new Set(['*']) };
}
