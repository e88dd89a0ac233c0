import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { ChangeSubscription } from '../../feed/change-subscription.js';
import type { GraphqlContext } from '../context.js';
import type { StreamPiece } from './event-frames.js';
import { type PieceOf, SharedFrames } from './shared-frames.js';

/** Answers routesChanged in its usual form with frames that its subscribers share; Yoga executes the events of all other streams. */
export function shareEvents(): Plugin<GraphqlContext> {
  const frames = new SharedFrames();
  return {
    onSubscribe({ args, setSubscribeFn }) {
      const pieceOf = frames.open(args);
      if (!pieceOf) return;
      const { changes } = args.contextValue.shared;
      setSubscribeFn(async (options: ExecutionArgs) => {
        const source: AsyncIterable<unknown> | ExecutionResult = await createSourceEventStream(options);
        return source instanceof ChangeSubscription ? inPieces(source, pieceOf, changes.turn) : source;
      });
    },
  };
}

/** Joins the events that are ready. A subscriber that cannot send them in one piece waits for its turn after each. */
function inPieces(
  source: ChangeSubscription,
  pieceOf: PieceOf,
  turn: () => Promise<void>,
): AsyncIterableIterator<StreamPiece> {
  let hasMore = false;
  return {
    async next() {
      if (hasMore) await turn();
      const first = await source.next();
      if (first.done) return first;
      const { rest } = source;
      const { frames, next } = pieceOf(first.value, rest);
      source.skipTo(next);
      hasMore = next < rest.page.events.length;
      return { done: false, value: frames };
    },
    async return() {
      await source.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
