import { type ExecutionResult, GraphQLError } from 'graphql';
import { may } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import type { Log } from '../log.js';
import { RateLimited } from '../rates/rate-limited.js';
import { asRegistryError } from '../registry/database-failure.js';
import type { RequestFacts } from './context.js';

/** The result as it leaves; the codes of its errors are noted for the log. */
export function translateResult(result: ExecutionResult, facts: RequestFacts): ExecutionResult {
  if (!result.errors) return result;
  const { requestId, caller, outcome } = facts;
  if (result.data === undefined) outcome.isRefused = true;
  const options = { requestId, log: facts.openCommands().log, showsSchema: may(caller, 'readSchema') };
  const errors = result.errors.map((error) => toGraphqlError(error, options));
  const limited = result.errors.map(innermost).find((cause) => cause instanceof RateLimited);
  if (limited) outcome.rate = { state: limited.state, isRefused: true };
  outcome.codes.push(...errors.map(({ extensions }) => String(extensions.code)));
  return { ...result, errors };
}

/** The result of a request that is refused before it is executed. */
export function refusedResult(error: RegistryError): ExecutionResult {
  return { errors: [new GraphQLError(error.message, { originalError: error })] };
}

/** Gives every error a code and a status. An unexpected error is logged and masked. */
function toGraphqlError(
  error: unknown,
  options: {
    requestId: string;
    log: Log;
    /** Whether the caller may read the schema; without that, messages name nothing of it. */
    showsSchema: boolean;
  },
): GraphQLError {
  const cause = innermost(error);
  const malformed = malformedRequest(cause);
  if (malformed)
    return withExtensions(error, malformed.message, {
      ...malformed.extensions,
      requestId: options.requestId,
    });
  const expected = asRegistryError(cause) ?? documentError(cause, error);
  if (expected) {
    if (expected.code === 'REGISTRY_UNAVAILABLE')
      options.log.warn({ err: expected.cause ?? expected }, 'unavailable');
    const message = options.showsSchema
      ? expected.message
      : expected.message.replace(/ Did you mean .*\?$/, '');
    return withExtensions(error, message, extensionsOf(expected, options.requestId));
  }
  options.log.error({ err: cause }, 'unexpected error');
  return withExtensions(error, 'Something went wrong here; the log has more under the request id', {
    code: 'INTERNAL_SERVER_ERROR',
    http: { status: 500 },
    requestId: options.requestId,
    retryable: false,
  });
}

export function extensionsOf(error: RegistryError, requestId: string): Record<string, unknown> {
  const { code, status, fields, retryAfterMs } = error;
  return {
    code,
    http: { status },
    requestId,
    retryable: retryAfterMs !== undefined,
    retryAfterMs,
    ...(fields.length > 0 && { fields }),
  };
}

/** Yoga refuses some requests before GraphQL: no JSON, a batch, a mutation by GET. */
function malformedRequest(cause: unknown) {
  if (!(cause instanceof GraphQLError) || cause.extensions.code !== 'BAD_REQUEST') return undefined;
  const { status = 400 } = (cause.extensions.http ?? {}) as { status?: number };
  return {
    message: cause.message,
    extensions: { code: 'VALIDATION_ERROR', http: { status, malformed: true } },
  };
}

/** The document or the variables are at fault, say graphql-js or a plugin: syntax, unknown fields, bad scalars. */
function documentError(cause: unknown, outermost: unknown): RegistryError | undefined {
  const isDocumentError =
    cause instanceof GraphQLError || (cause instanceof Error && cause.name === 'PothosValidationError');
  // The outermost message names the variable or argument, the innermost only what its type asks for.
  return isDocumentError ? new RegistryError('VALIDATION_ERROR', (outermost as Error).message) : undefined;
}

function innermost(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? innermost(error.originalError) : error;
}

function withExtensions(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions });
  const { nodes = null, source = null, positions = null, path = null } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
