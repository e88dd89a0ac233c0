import { type ExecutionResult, GraphQLError } from 'graphql';
import type { CredentialWatch } from '../../auth/credential-watch.js';

/**
 * Ends the events with their credential: the last event is an error without data, then the stream completes. It is not an
 * async generator and uses no Promise.race: a generator waits for the event before it ends, and each race would leave a
 * reaction at `ended` for as long as the stream lasts.
 */
export function endWithCredential<Piece>(
  events: AsyncIterable<Piece>,
  watch: CredentialWatch,
): AsyncIterableIterator<Piece | ExecutionResult> {
  const source = events[Symbol.asyncIterator]();
  let last: ExecutionResult | undefined;
  let isDone = false;
  let answer: ((result: IteratorResult<Piece | ExecutionResult>) => void) | undefined;

  const takeLast = (): IteratorResult<ExecutionResult> => {
    const value = last;
    last = undefined;
    isDone = true;
    return value ? { value, done: false } : { value: undefined, done: true };
  };
  void watch.ended.then((error) => {
    if (isDone) return;
    last = { errors: [new GraphQLError(error.message, { originalError: error })] };
    // Nothing more is read from the source, even while the client does not read.
    Promise.resolve(source.return?.()).catch(() => undefined);
    answer?.(takeLast());
  });
  const finish = () => {
    isDone = true;
    watch.stop();
  };

  return {
    next() {
      if (last || isDone) return Promise.resolve(takeLast());
      return new Promise((resolve, reject) => {
        answer = resolve;
        source.next().then(
          (result) => {
            answer = undefined;
            // After the end, `resolve` has been called already, or the last event waits for this call.
            if (last) return resolve(takeLast());
            if (result.done) finish();
            resolve(result);
          },
          (error) => {
            finish();
            reject(error);
          },
        );
      });
    },
    async return() {
      finish();
      last = undefined;
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
