/** The caller of a command or guarded read. There is no anonymous caller. */
export interface Caller {
  kind: 'developer' | 'api-key' | 'identity' | 'operator' | 'gateway';
  /** The name in the audit log: "developer", "api-key:<id>", "subject:<sub>", "operator:<system user>", "gateway". */
  actor: string;
  scopes: ReadonlySet<string>;
  /** Time of day in milliseconds since 1970 from which the credential is rejected; undefined: it has no end of its own. */
  expiresAt?: number | undefined;
  /** The subject of an identity provider's token, with its roles by tenant. */
  identity?: { subject: string; roles: ReadonlyMap<string, MemberRole> };
}

export type MemberRole = 'ADMIN' | 'MEMBER';

/** `AUTH_MODE=open` only: whoever sits at the machine. */
export const developer: Caller = { kind: 'developer', actor: 'developer', scopes: new Set(['*']) };

/** The gateway on its own account: the demo, clearing up after a crash. */
export const gateway: Caller = { kind: 'gateway', actor: 'gateway', scopes: new Set(['*']) };

/** An operator at the command line who has the URL of the database. */
export function operator(systemUser: string): Caller {
  return { kind: 'operator', actor: `operator:${systemUser}`, scopes: new Set(['*']) };
}
