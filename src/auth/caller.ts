/** Who asks. Every command and every guarded read gets one; there is no anonymous caller. */
export interface Caller {
  kind: 'developer' | 'api-key' | 'operator' | 'gateway';
  /** What the audit log shows: "developer", "api-key:<id>", "operator:<system user>", "gateway". */
  actor: string;
  scopes: ReadonlySet<string>;
}

/** `AUTH_MODE=open` only: whoever sits at the machine. */
export const developer: Caller = { kind: 'developer', actor: 'developer', scopes: new Set(['*']) };

/** The gateway on its own account: the demo, clearing up after a crash. */
export const gateway: Caller = { kind: 'gateway', actor: 'gateway', scopes: new Set(['*']) };

/** Somebody at the command line who holds the database's URL. */
export function operator(systemUser: string): Caller {
  return { kind: 'operator', actor: `operator:${systemUser}`, scopes: new Set(['*']) };
}
