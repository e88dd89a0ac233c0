import { z } from 'zod';
import { type ErrorCode, RegistryError, retryAfterHeader } from '../errors.js';
import type { Log } from '../log.js';
import { asRegistryError } from '../registry/database-failure.js';

export interface RestAnswer {
  status: number;
  headers: Record<string, string>;
  /** Sent as JSON; a Readable streams the text of JSON that is too long for memory. */
  body: unknown;
}

/** Codes of failures outside the registry's commands: malformed HTTP requests and unexpected errors. */
export const codeByStatus = {
  400: 'VALIDATION_ERROR',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'CONTENT_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  421: 'MISDIRECTED_REQUEST',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'REGISTRY_UNAVAILABLE',
} as const;

export type HttpStatus = keyof typeof codeByStatus;
export type RestCode = ErrorCode | (typeof codeByStatus)[HttpStatus];

export function isHttpStatus(status: number): status is HttpStatus {
  return status in codeByStatus;
}

/** Body of every failure of the REST API. */
export const Failure = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'Error code for programs; it never changes.' }),
      message: z.string().meta({ description: 'Message for people, with the problem and its solution.' }),
      details: z
        .array(z.object({ field: z.string(), message: z.string() }))
        .optional()
        .meta({ description: 'Refused fields by their path in the request, each with the reason.' }),
    }),
  })
  .meta({ description: 'Reason why a request was refused or failed.' });

/** Returns the answer for a failure with its HTTP status. */
export function refuse(
  status: HttpStatus,
  message: string,
  headers: Record<string, string> = {},
): RestAnswer {
  return failure(status, { code: codeByStatus[status], message }, headers);
}

/** Translates an error into an answer with code and status; unexpected errors are logged and masked. */
export function answerError(error: unknown, options: { requestId: string; log: Log }): RestAnswer {
  const expected = asRegistryError(error);
  if (!expected) {
    const { requestId, log } = options;
    log.error({ err: error, requestId }, 'unexpected error');
    return refuse(500, `Something went wrong here; the log has more under the request id ${requestId}`);
  }
  const { code, status, message, fields, retryAfterMs } = expected;
  if (code === 'REGISTRY_UNAVAILABLE') options.log.warn({ err: expected.cause ?? expected }, 'unavailable');
  const headers: Record<string, string> = {
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...retryAfterHeader(retryAfterMs),
  };
  return failure(status, { code, message, ...(fields.length > 0 && { details: fields }) }, headers);
}

/** Replaces the message of a refused slug by the one that existing scripts of the operators look for. */
export function withScriptMessage(error: unknown, slug: string | undefined): unknown {
  const refusal = asRegistryError(error);
  const isAboutSlug = refusal?.fields.some(({ field }) => field === 'slug');
  if (!refusal || !isAboutSlug) return error;
  const { code, fields, message } = refusal;
  if (code === 'VALIDATION_ERROR')
    return new RegistryError(code, 'Invalid slug format', { fields, cause: error });
  if (code === 'CONFLICT' && slug !== undefined)
    // Scripts compare the message; the details of a slug that can be had back are added for people.
    return new RegistryError(code, `Tenant with slug '${slug}' already exists`, {
      ...(message.includes('restoreTenant') && { fields }),
      cause: error,
    });
  return error;
}

function failure(
  status: number,
  error: { code: RestCode; message: string; details?: readonly { field: string; message: string }[] },
  headers: Record<string, string>,
): RestAnswer {
  return { status, headers, body: { error } };
}
