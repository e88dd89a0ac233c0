import type { ExecutionResult } from 'graphql';
import { retryAfterHeader } from '../errors.js';

/** The HTTP answer for a result, as plain values. */
export interface GraphqlHttpAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export type GraphqlMediaType = 'application/graphql-response+json' | 'application/json';

/** Headers of an answer without errors; the same objects for all answers. */
const plainHeaders: Record<GraphqlMediaType, Readonly<Record<string, string>>> = {
  'application/json': Object.freeze({ 'content-type': 'application/json; charset=utf-8' }),
  'application/graphql-response+json': Object.freeze({
    'content-type': 'application/graphql-response+json; charset=utf-8',
  }),
};

/** The media type of the answer for a request's `Accept`. */
export function mediaTypeFor(accept: string | null | undefined): GraphqlMediaType {
  return accept?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
}

/** Whether the client asks for a stream of events: it looks at the HTTP status first. */
export function readsEvents(accept: string | null | undefined): boolean {
  return accept?.includes('text/event-stream') === true;
}

/**
 * The HTTP form of a result. With application/json the status is 200 for every GraphQL request, as that media type asks
 * for, and only what is no such request gets another. With application/graphql-response+json it is the errors' own when `data` is
 * null or absent.
 */
export function toHttpAnswer(
  result: ExecutionResult,
  mediaType: GraphqlMediaType,
  alwaysShowsStatus = false,
): GraphqlHttpAnswer {
  const headers = plainHeaders[mediaType];
  const body = JSON.stringify(result);
  if (!result.errors) return { status: 200, headers, body };
  const answered = result.data != null;
  const failures = result.errors.map(readHttp);
  const showsStatus =
    alwaysShowsStatus ||
    mediaType === 'application/graphql-response+json' ||
    failures.some(({ malformed }) => malformed);
  const status = showsStatus && !answered ? Math.max(200, ...failures.map((failure) => failure.status)) : 200;
  return {
    status,
    headers: {
      ...headers,
      ...(status === 405 && { allow: 'POST' }),
      ...retryAfterHeader(Math.max(...failures.map(({ retryAfterMs }) => retryAfterMs))),
    },
    body,
  };
}

function readHttp({ extensions }: { extensions: Record<string, unknown> }) {
  const { status = 500, malformed = false } = (extensions.http ?? {}) as {
    status?: number;
    malformed?: boolean;
  };
  return { status, malformed, retryAfterMs: (extensions.retryAfterMs as number | undefined) ?? 0 };
}
