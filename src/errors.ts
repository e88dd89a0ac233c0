/**
 * Every expected failure of the product: one class, one table. The doors (graphql, rest, cli) translate from here
 * and hold no error texts of their own.
 */

interface ErrorDescription {
  /** HTTP status. Doors without HTTP ignore it. */
  status: number;
  meaning: string;
  /** The caller's way out. */
  action: string;
  /** The same request may well succeed after this time. Codes without it ask for something else first. */
  retryAfterMs?: number;
}

/** Every code with its meaning and the caller's way out. docs/errors.md shows this table. */
export const errorTable = {
  TENANT_NOT_FOUND: {
    status: 404,
    meaning: 'No tenant has this id, slug or external id, or the tenant was purged.',
    action: 'Correct the id, slug or external id.',
  },
  TENANT_SUSPENDED: {
    status: 403,
    meaning: 'The tenant, or its subscription to the module, is suspended.',
    action:
      'Stop work for the tenant until an operator resumes it with `resumeTenant` or `resumeSubscription`, or the suspension ends by itself.',
  },
  TENANT_DELETED: {
    status: 410,
    meaning: 'The tenant is deleted.',
    action: 'Restore it with `restoreTenant` before its purge date, or stop using it.',
  },
  TENANT_NOT_READY: {
    status: 503,
    meaning: 'The tenant, or its storage for the module, is not active yet.',
    action:
      'Wait for the operation that provisions it and repeat the request, or start it with `provisionTenant`.',
    retryAfterMs: 1_000,
  },
  MODULE_NOT_FOUND: {
    status: 404,
    meaning: 'The catalogue has no module of this name.',
    action: 'Correct the name, or add the module with `registerModule`.',
  },
  MODULE_NOT_SUBSCRIBED: {
    status: 403,
    meaning: 'The tenant has no active subscription to the module.',
    action: 'Subscribe it with `subscribeTenantToModule`.',
  },
  SCHEMA_MIGRATING: {
    status: 503,
    meaning:
      'The tenant’s data of the module is being moved, or a rollout is about to bring it to the requested `minMigration`.',
    action: 'Repeat the request after a short time.',
    retryAfterMs: 1_000,
  },
  SCHEMA_BEHIND: {
    status: 503,
    meaning:
      'The tenant’s data of the module is behind the requested `minMigration`, and no running rollout takes it there.',
    action: 'Start a rollout with `startRollout`, or retry the tenants that failed in the last one.',
  },
  REVISION_NOT_REACHED: {
    status: 503,
    meaning: 'The gateway has not reached the requested `minRevision`.',
    action: 'Repeat the request after a short time.',
    retryAfterMs: 1_000,
  },
  REGISTRY_UNAVAILABLE: {
    status: 503,
    meaning: 'The registry database cannot answer, or cannot accept the change. The message has the reason.',
    action: 'Repeat the request after a short time; the operator checks the registry database.',
    retryAfterMs: 1_000,
  },
  ROUTE_STALE: {
    status: 409,
    meaning: 'The route changed since it was resolved, so the service database refused the transaction.',
    action: 'Resolve the route again and repeat the transaction.',
  },
  TENANT_MISMATCH: {
    status: 403,
    meaning: 'The caller is not a member of this tenant, or its token is for another tenant.',
    action: 'Use a token of a member of this tenant.',
  },
  CONFLICT: {
    status: 409,
    meaning: 'The request contradicts the current state, such as a name that is taken.',
    action: 'Follow the message, which names the conflict and the way out.',
  },
  VERSION_CONFLICT: {
    status: 412,
    meaning: 'The record changed since the caller read it, so `expectedVersion` does not match.',
    action: 'Read the record again and repeat the change with its new version.',
  },
  OPERATION_IN_PROGRESS: {
    status: 423,
    meaning: 'Another operation is running on the tenant or its storage.',
    action: 'Wait for the end of that operation and repeat the request.',
    retryAfterMs: 1_000,
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    meaning: 'The idempotency key was used for another request before.',
    action: 'Use a new key for a new request.',
  },
  NOT_FOUND: {
    status: 404,
    meaning:
      'No operation, member, API key or rollout has this id, or the tenant has no settings or branding.',
    action: 'Correct the id, or write the settings or branding.',
  },
  VALIDATION_ERROR: {
    status: 400,
    meaning: 'Fields of the input are wrong. The error lists each of them.',
    action: 'Correct the listed fields.',
  },
  SECRET_IN_CONFIG: {
    status: 400,
    meaning: 'A value of the configuration looks like a secret.',
    action: 'Keep the secret in an environment variable and write a reference to that variable.',
  },
  QUOTA_EXCEEDED: {
    status: 403,
    meaning: 'The tenant has reached a limit of its plan, such as `maxUsers`.',
    action: 'Remove something that counts towards the limit, or raise the limit with `updateTenant`.',
  },
  UNAUTHENTICATED: {
    status: 401,
    meaning: 'The request has no valid API key or token.',
    action: 'Send a valid key or token in the Authorization header.',
  },
  FORBIDDEN: {
    status: 403,
    meaning: 'The API key or token lacks the scope that the request needs.',
    action: 'Use a key with the scope that the message names.',
  },
  RATE_LIMITED: {
    status: 429,
    meaning:
      'The caller sends too many requests, runs too many queries at a time, or has too many streams open.',
    action:
      'Wait for the time that the answer names and repeat the request; close a stream before opening another.',
    retryAfterMs: 1_000,
  },
  DOCUMENT_NOT_REGISTERED: {
    status: 403,
    meaning:
      'No registered GraphQL document has this id or text, and the caller may send only registered ones (`TRUSTED_DOCUMENTS`).',
    action:
      'Register the document with `tenant-registry documents add`, or use a key with the scope `documents:any`.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 400,
    meaning:
      'The request has the hash of a GraphQL document (Automatic Persisted Queries) that is not registered, and the gateway stores none.',
    action: 'Send the text of the document; Apollo’s clients do so by themselves.',
  },
  QUERY_TOO_COMPLEX: {
    status: 400,
    meaning: 'The GraphQL document, its estimated cost or its answer is larger than the gateway accepts.',
    action: 'Follow the message: split the request, or ask for smaller pages and fewer nested lists.',
  },
} as const satisfies Record<string, ErrorDescription>;

export type ErrorCode = keyof typeof errorTable;

/** HTTP status of each code. */
export const statusByCode = Object.fromEntries(
  Object.entries(errorTable).map(([code, { status }]) => [code, status]),
) as Record<ErrorCode, number>;

/**
 * The refusals of the guard in a service database: SQLSTATE, and the code at the start of its message. The guard also raises
 * 40001 when the binding changed after the snapshot of a REPEATABLE READ transaction: the caller repeats that transaction.
 */
export const guardRefusals = {
  TR001: 'ROUTE_STALE',
  TR002: 'TENANT_SUSPENDED',
  TR003: 'MODULE_NOT_SUBSCRIBED',
  TR004: 'TENANT_NOT_READY',
  TR005: 'REGISTRY_UNAVAILABLE',
} as const satisfies Record<string, ErrorCode>;

/**
 * The refusals of the SQL procedures in the registry and in service databases: SQLSTATE, and the code at the start of the
 * message. PostgreSQL's own SQLSTATE is used where one has the same meaning.
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
  TR010: 'QUOTA_EXCEEDED',
  TR011: 'IDEMPOTENCY_KEY_REUSED',
} as const satisfies Record<string, ErrorCode>;

/** A problem of one input field. `field` is its path in the input, such as "modules.0". */
export interface FieldProblem {
  field: string;
  message: string;
}

/** An expected failure. The caller sees the message unchanged, so it names the thing and the way out. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: ErrorCode;
  readonly fields: readonly FieldProblem[];
  readonly #isLasting: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      fields?: readonly FieldProblem[];
      cause?: unknown;
      /** The same request fails until somebody changes something, whatever the code usually says. */
      isLasting?: boolean;
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.fields = options.fields ?? [];
    this.#isLasting = options.isLasting ?? false;
  }

  get status(): number {
    return statusByCode[this.code];
  }

  /** The same request may well succeed after this time; undefined for what asks for something else first. */
  get retryAfterMs(): number | undefined {
    return this.#isLasting ? undefined : (errorTable[this.code] as ErrorDescription).retryAfterMs;
  }
}

/** A VALIDATION_ERROR about one field. */
export function invalidField(field: string, message: string): RegistryError {
  return invalidFields([{ field, message }]);
}

/** A NOT_FOUND about the field that holds the id. */
export function notFound(field: string, message: string): RegistryError {
  return new RegistryError('NOT_FOUND', `${field}: ${message}`, { fields: [{ field, message }] });
}

/** A refusal that lists every field with its problem. */
export function invalidFields(
  fields: readonly FieldProblem[],
  code: 'VALIDATION_ERROR' | 'SECRET_IN_CONFIG' = 'VALIDATION_ERROR',
): RegistryError {
  return new RegistryError(code, listProblems(fields), { fields });
}

function listProblems(fields: readonly FieldProblem[]): string {
  return fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
}

/** The same refusal with the names that its fields have at another door; anything else stays as it is. */
export function renameFields(error: unknown, rename: (field: string) => string): unknown {
  if (!(error instanceof RegistryError) || error.fields.length === 0) return error;
  const fields = error.fields.map(({ field, message }) => ({ field: rename(field), message }));
  const message = error.message === listProblems(error.fields) ? listProblems(fields) : error.message;
  return new RegistryError(error.code, message, { fields, cause: error });
}

/** The header that says how long to wait, in seconds; none without a time. */
export function retryAfterHeader(retryAfterMs: number | undefined): { 'retry-after'?: string } {
  return retryAfterMs ? { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) } : {};
}

/** The message of an error. Node's error about a host with several addresses has none itself, only its parts do. */
export function messageOf(error: unknown): string {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ');
}
