import { createClient } from 'graphql-sse';
import { useEffect, useRef, useState } from 'react';
import type { TypedDocumentString } from '../generated/graphql.js';
import { graphqlUrl } from '../session/page-config.js';
import { currentCredential, wantLogin } from '../session/session.js';
import { ApiError, type GraphqlError } from './api-error.js';
import { credentialHeader } from './request.js';

const client = createClient({
  url: graphqlUrl,
  singleConnection: false,
  headers: () => credentialHeader(currentCredential()),
  credentials: 'omit',
  // This file opens streams again by itself.
  retryAttempts: 0,
});

interface StreamOptions<Result> {
  onEvent: (event: Result) => void;
  onConnection?: (isConnected: boolean) => void;
  /** The gateway refuses the stream; it is not opened again. */
  onRefused?: (error: ApiError) => void;
}

/** Keeps a subscription open, also over restarts of the gateway and a new login, until the returned function is called. */
export function openStream<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  { onEvent, onConnection, onRefused }: StreamOptions<Result>,
): () => void {
  let stop = () => {};
  let isClosed = false;
  let pauseMs = 500;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const open = () => {
    if (isClosed) return;
    const credential = currentCredential();
    const begun = { isOver: false };
    const end = (failure?: GraphqlError) => {
      // What comes after the end of a stream, such as its closing, is no news.
      if (begun.isOver) return;
      begun.isOver = true;
      void goOn(failure, credential);
    };
    stop = client.subscribe<Result>(
      { query: document.toString().trim(), variables: variables as Record<string, unknown> },
      {
        next({ data, errors }) {
          const [error] = errors ?? [];
          if (error) return end(error as GraphqlError);
          pauseMs = 500;
          onConnection?.(true);
          if (data) onEvent(data);
        },
        // A refusal before the first event is an answer with a status, as for other requests.
        error: async (failure) => end(await readRefusal(failure)),
        complete: () => end(),
      },
    );
  };
  const goOn = async (failure: GraphqlError | undefined, credential: string | undefined) => {
    if (failure?.extensions?.code === 'UNAUTHENTICATED') {
      onConnection?.(false);
      await wantLogin(credential);
      open();
    } else if (failure && failure.extensions?.retryable !== true) refuse(ApiError.of(failure, undefined));
    else again();
  };
  const again = () => {
    onConnection?.(false);
    if (isClosed) return;
    timer = setTimeout(open, pauseMs);
    pauseMs = Math.min(pauseMs * 2, 5_000);
  };
  const refuse = (error: ApiError) => {
    close();
    onRefused?.(error);
  };
  const close = () => {
    isClosed = true;
    clearTimeout(timer);
    stop();
  };
  open();
  return close;
}

/** The refusal in an answer that is no stream; undefined when there was no answer, or one of something else than a gateway. */
async function readRefusal(failure: unknown): Promise<GraphqlError | undefined> {
  const { response } = failure as { response?: Response };
  const body = await response?.json().catch(() => undefined);
  return (body as { errors?: GraphqlError[] } | undefined)?.errors?.find(
    ({ extensions }) => extensions?.code,
  );
}

/** The newest event of a subscription. Stops when `isEnd` says so. */
export function useLive<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  { isEnabled = true, isEnd }: { isEnabled?: boolean; isEnd?: (event: Result) => boolean } = {},
) {
  const [event, setEvent] = useState<Result>();
  const [error, setError] = useState<ApiError>();
  const [isConnected, setConnected] = useState(false);
  const isEndRef = useRef(isEnd);
  isEndRef.current = isEnd;
  const key = JSON.stringify(variables);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the variables
  useEffect(() => {
    setEvent(undefined);
    setError(undefined);
    if (!isEnabled) return;
    // Many events can arrive between two frames; only the last of them is drawn.
    let newest: Result | undefined;
    let frame = 0;
    const close = openStream(document, variables, {
      onEvent(next) {
        newest = next;
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          setEvent(newest);
        });
        if (isEndRef.current?.(next)) close();
      },
      onConnection: setConnected,
      onRefused: setError,
    });
    return () => {
      cancelAnimationFrame(frame);
      close();
    };
  }, [document, key, isEnabled]);
  return { event, error, isConnected };
}
