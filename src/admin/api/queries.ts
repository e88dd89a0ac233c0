import {
  keepPreviousData,
  type MutateOptions,
  QueryClient,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useRef } from 'react';
import type { TypedDocumentString } from '../generated/graphql.js';
import { type ApiError, asApiError } from './api-error.js';
import { request } from './request.js';

/** How long a page of a list stays in memory after another one is shown. */
const leftPageMs = 1_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Changes arrive by the watch of the registry, which marks everything as stale.
      staleTime: 30_000,
      // Pages that nobody looks at leave the memory soon.
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
      retry: (count, error) => mayRetry(count, asApiError(error)),
      retryDelay: (count, error) => Math.min(asApiError(error).retryAfterMs * 2 ** count, 5_000),
    },
    mutations: { networkMode: 'always' },
  },
});

function mayRetry(count: number, error: ApiError): boolean {
  // A gateway that is restarted comes back: the page waits for it as long as it is open.
  if (error.code === 'CONNECTION_LOST') return true;
  return error.isRetryable && count < 3;
}

interface ScreenOptions<Result> {
  isEnabled?: boolean;
  /** Reads again after this time, in milliseconds; for what no change of the registry tells. */
  everyMs?: number | ((shown: Result | undefined) => number);
  /** Shows the last answer while the next one is on its way, as for the next page of a list. */
  keepsPrevious?: boolean;
}

/** Reads the data of a screen or a part of it. */
export function useScreen<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  { isEnabled = true, everyMs, keepsPrevious }: ScreenOptions<Result> = {},
): UseQueryResult<Result, ApiError> {
  return useQuery<Result, ApiError>({
    queryKey: [document.toString(), variables],
    queryFn: ({ signal }) => request(document, variables, { signal }),
    enabled: isEnabled,
    refetchInterval: typeof everyMs === 'function' ? ({ state }) => everyMs(state.data) : (everyMs ?? false),
    // Who goes through hundreds of pages holds a few of them.
    ...(keepsPrevious && { placeholderData: keepPreviousData as never, gcTime: leftPageMs }),
  });
}

/** Sends the request of a list that is about to be shown while the page still draws; useScreen takes the answer over. */
export function readAhead<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): void {
  void queryClient.prefetchQuery({
    queryKey: [document.toString(), variables],
    queryFn: ({ signal }) => request(document, variables, { signal }),
    gcTime: leftPageMs,
  });
}

/** A mutation. After it everything on the screen is read again. While it is on its way, the same one is not sent a second time. */
export function useChange<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  options: { onDone?: (result: Result, variables: Variables) => void } = {},
) {
  const client = useQueryClient();
  const onTheirWay = useRef(new Set<string>());
  const { mutate: send, ...mutation } = useMutation<Result, ApiError, Variables>({
    // Once there is an answer, the same change may be wanted again while the screen is still read.
    mutationFn: (variables) =>
      request(document, variables).finally(() => onTheirWay.current.delete(JSON.stringify(variables))),
    async onSuccess(result, variables) {
      options.onDone?.(result, variables);
      await client.invalidateQueries();
    },
    async onError({ code }) {
      // What the change was based on is old: forms then show what somebody else has made of it.
      if (code === 'VERSION_CONFLICT') await client.invalidateQueries();
    },
  });
  // The second click of a double click can come before the button is drawn as busy.
  const mutate = useCallback(
    (variables: Variables, settled?: MutateOptions<Result, ApiError, Variables>) => {
      const key = JSON.stringify(variables);
      if (onTheirWay.current.has(key)) return;
      onTheirWay.current.add(key);
      send(variables, settled);
    },
    [send],
  );
  return { ...mutation, mutate };
}
