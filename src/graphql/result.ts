import type { ExecutionResult } from 'graphql';

/** What goes out over HTTP for a result, as plain values. */
export interface GraphqlHttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type GraphqlMediaType = 'application/graphql-response+json' | 'application/json';

/**
 * The HTTP form of a result. With application/json the status is 200 whenever the document was understood, as that
 * media type asks for. With application/graphql-response+json it is the errors' own as long as nothing was answered:
 * one refused alias does not make an error of the others' answers.
 */
export function toHttpAnswer(result: ExecutionResult, mediaType: GraphqlMediaType): GraphqlHttpAnswer {
  const answered = result.data != null && Object.values(result.data).some((value) => value !== null);
  const statuses = result.errors?.map(statusOf) ?? [];
  const showsStatus = statuses.length > 0 && !answered && mediaType === 'application/graphql-response+json';
  return {
    status: showsStatus ? Math.max(...statuses) : 200,
    headers: {
      'content-type': `${mediaType}; charset=utf-8`,
      ...(result.errors?.some(isOutage) && { 'retry-after': '1' }),
    },
    body: JSON.stringify(result),
  };
}

function statusOf({ extensions }: { extensions: Record<string, unknown> }): number {
  const { status } = (extensions.http ?? {}) as { status?: number };
  return status ?? 500;
}

/** What a moment later may well be answered. */
function isOutage({ extensions }: { extensions: Record<string, unknown> }): boolean {
  return extensions.code === 'REGISTRY_UNAVAILABLE';
}
