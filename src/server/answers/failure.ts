import type { ServerResponse } from 'node:http';
import { retryAfterHeader } from '../../errors.js';
import { extensionsOf } from '../../graphql/errors.js';
import type { Log } from '../../log.js';
import { asRegistryError } from '../../registry/database-failure.js';
import { answerError, isHttpStatus, type RestAnswer, refuse } from '../../rest/answer.js';
import { isRestPath } from '../../rest/paths.js';
import { HttpError } from '../requests/request.js';
import { sendAnswer, sendJson } from './send.js';

/** Answers a request that failed, in the form of the door it was sent to. */
export async function sendFailure(
  response: ServerResponse,
  error: unknown,
  facts: { path: string; requestId: string; log: Log },
): Promise<void> {
  const { path, requestId, log } = facts;
  if (response.headersSent) {
    // Half of an answer is sent already; the client would take an error for the rest of it.
    const isClientGone = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!isClientGone) log.warn({ err: error, requestId }, 'an answer broke off');
    return void response.destroy();
  }
  // The client left, and the work was given up. 499 is nginx's status for that.
  if (response.destroyed && error instanceof Error && error.name === 'AbortError') {
    response.statusCode = 499;
    return;
  }
  if (isRestPath(path)) return sendAnswer(response, restFailure(error, facts));
  const { status, headers, body } = graphqlFailure(error, facts);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { errors: [body] });
}

function restFailure(error: unknown, facts: { requestId: string; log: Log }): RestAnswer {
  if (!(error instanceof HttpError) || !isHttpStatus(error.status)) return answerError(error, facts);
  return refuse(error.status, error.message, error.headers);
}

function graphqlFailure(error: unknown, { requestId, log }: { requestId: string; log: Log }) {
  if (error instanceof HttpError) {
    const { status, headers, message } = error;
    return { status, headers, body: { message } };
  }
  const expected = asRegistryError(error);
  if (expected) {
    const { status, code, message, retryAfterMs } = expected;
    const headers: Record<string, string> = {
      ...(code === 'UNAUTHENTICATED' && { 'www-authenticate': 'Bearer' }),
      ...retryAfterHeader(retryAfterMs),
    };
    return { status, headers, body: { message, extensions: extensionsOf(expected, requestId) } };
  }
  log.error({ err: error, requestId }, 'unexpected error');
  const extensions = { code: 'INTERNAL_SERVER_ERROR', requestId, retryable: false };
  return { status: 500, headers: {}, body: { message: 'Something went wrong here', extensions } };
}
