/**
 * Every expected failure of the product: one class, one table. Doors (graphql, rest, cli) translate from here
 * and hold no error texts of their own.
 */

/** HTTP status for each code; a door that is not HTTP ignores it. */
export const statusByCode = {
  TENANT_NOT_FOUND: 404,
  TENANT_SUSPENDED: 403,
  TENANT_DELETED: 410,
  TENANT_NOT_READY: 503,
  MODULE_NOT_FOUND: 404,
  MODULE_NOT_SUBSCRIBED: 403,
  SCHEMA_MIGRATING: 503,
  REVISION_NOT_REACHED: 503,
  REGISTRY_UNAVAILABLE: 503,
  ROUTE_STALE: 409,
  TENANT_MISMATCH: 403,
  CONFLICT: 409,
  VERSION_CONFLICT: 412,
  OPERATION_IN_PROGRESS: 423,
  IDEMPOTENCY_KEY_REUSED: 422,
  VALIDATION_ERROR: 400,
  SECRET_IN_CONFIG: 400,
  QUOTA_EXCEEDED: 403,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  QUERY_TOO_COMPLEX: 400,
} as const;

export type ErrorCode = keyof typeof statusByCode;

/**
 * How the guard of a service database refuses: SQLSTATE, and the code that its message begins with. Beside them it raises
 * 40001, when the binding changed after the snapshot of a REPEATABLE READ transaction: run that transaction again.
 */
export const guardRefusals = {
  TR001: 'ROUTE_STALE',
  TR002: 'TENANT_SUSPENDED',
  TR003: 'MODULE_NOT_SUBSCRIBED',
  TR004: 'TENANT_NOT_READY',
  TR005: 'REGISTRY_UNAVAILABLE',
} as const satisfies Record<string, ErrorCode>;

/**
 * How the procedures refuse that services call by SQL, in the registry and in service databases: SQLSTATE, and the code that
 * the message begins with. PostgreSQL's own states where it has one that says the same.
 */
export const procedureRefusals = {
  22004: 'VALIDATION_ERROR',
  22023: 'VALIDATION_ERROR',
  23505: 'CONFLICT',
  '42P06': 'CONFLICT',
  55000: 'CONFLICT',
  TR002: 'TENANT_SUSPENDED',
  TR003: 'MODULE_NOT_SUBSCRIBED',
  TR004: 'TENANT_NOT_READY',
  TR006: 'TENANT_NOT_FOUND',
  TR007: 'TENANT_DELETED',
  TR008: 'MODULE_NOT_FOUND',
  TR009: 'OPERATION_IN_PROGRESS',
} as const satisfies Record<string, ErrorCode>;

/** One input field that was refused, by its path in the input ("modules.0"). */
export interface FieldProblem {
  field: string;
  message: string;
}

/** An expected failure. The message names the thing and the way out and is shown to the caller as it stands. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: ErrorCode;
  readonly fields: readonly FieldProblem[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: readonly FieldProblem[]; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.fields = options.fields ?? [];
  }

  get status(): number {
    return statusByCode[this.code];
  }
}

/** A VALIDATION_ERROR about one field. */
export function invalidField(field: string, message: string): RegistryError {
  return invalidFields([{ field, message }]);
}

/** A refusal that lists every field with its problem. */
export function invalidFields(
  fields: readonly FieldProblem[],
  code: 'VALIDATION_ERROR' | 'SECRET_IN_CONFIG' = 'VALIDATION_ERROR',
): RegistryError {
  return new RegistryError(code, fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    fields,
  });
}

/** What an error says. Node reports a host with several addresses in one error without a message: then theirs. */
export function messageOf(error: unknown): string {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ');
}
