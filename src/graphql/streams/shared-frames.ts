import {
  type ExecutionArgs,
  type ExecutionResult,
  executeSync,
  type FieldNode,
  getOperationAST,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { SeenPage, StreamedChange } from '../../feed/seen-pages.js';
import { eventFrame, type StreamPiece } from './event-frames.js';

/** In characters of all kept frames together. */
const maxFrames = 16_000_000;
/** In characters of all documents that are known by a number. */
const maxDocuments = 2_000_000;

/** A piece is closed when it is longer than this, in characters: a connection takes 16 kB without waiting for its reader. */
const maxPiece = 12_000;

/** The events that go out at once; `next` is the index of the event after them in its page. */
interface SharedPiece {
  frames: StreamPiece;
  next: number;
}

/** Makes the piece that begins with an event and goes on with the events of a page from `at`. */
export type PieceOf = (first: StreamedChange, rest: { page: SeenPage; at: number }) => SharedPiece;

/**
 * The events of routesChanged as text, made once for all subscribers with the same document. What a caller may see is
 * decided before: its view leaves an event out or makes another kind of it, and the kind is part of the key. Nothing of the
 * caller is in the text, because the document is executed without a context.
 */
export class SharedFrames {
  readonly #frames = new LRUCache<string, string>({
    maxSize: maxFrames,
    sizeCalculation: (frame, key) => frame.length + key.length,
  });
  readonly #pieces = new LRUCache<string, SharedPiece & { frames: Uint8Array }>({
    maxSize: maxFrames,
    sizeCalculation: ({ frames }, key) => frames.length + key.length,
  });
  /** Numbers instead of texts keep the keys short. A number is never given twice. */
  readonly #documents = new LRUCache<string, number>({
    maxSize: maxDocuments,
    sizeCalculation: (_number, text) => text.length,
  });
  #lastDocument = 0;

  /** Undefined for an operation that is not in the usual form: one field without directives, in no fragment. */
  open(args: ExecutionArgs): PieceOf | undefined {
    const root = findRoot(args);
    const text = args.document.loc?.source.body;
    if (!root || text === undefined) return undefined;
    const document = this.#numberOf(JSON.stringify([text, args.operationName, usedVariables(args, root)]));

    return (first, { page, at }) => {
      const key = `${document} ${page.id}/${at} ${identityOf(first)}`;
      const held = this.#pieces.get(key);
      if (held) return held;
      const begin = this.#frameOf(args, document, first);
      // With its errors it is each caller's own.
      if (typeof begin !== 'string') return { frames: begin, next: at };
      let joined = begin;
      let next = at;
      for (; next < page.events.length && joined.length < maxPiece; next++) {
        const frame = this.#frameOf(args, document, page.events[next] as StreamedChange);
        if (typeof frame !== 'string') break;
        joined += frame;
      }
      const piece = { frames: Buffer.from(joined), next };
      this.#pieces.set(key, piece);
      return piece;
    };
  }

  #frameOf(args: ExecutionArgs, document: number, event: StreamedChange): string | ExecutionResult {
    const key = `${document} ${identityOf(event)}`;
    const held = this.#frames.get(key);
    if (held !== undefined) return held;
    const result = executeEvent(args, event);
    if (result.errors) return result;
    const frame = eventFrame(result);
    this.#frames.set(key, frame);
    return frame;
  }

  #numberOf(document: string): number {
    const known = this.#documents.get(document);
    if (known !== undefined) return known;
    this.#documents.set(document, ++this.#lastDocument);
    return this.#lastDocument;
  }
}

function findRoot({ document, operationName }: ExecutionArgs): FieldNode | undefined {
  const selections = getOperationAST(document, operationName)?.selectionSet.selections ?? [];
  const [root] = selections;
  const isUsual = selections.length === 1 && root?.kind === 'Field' && !root.directives?.length;
  return isUsual && root.name.value === 'routesChanged' ? root : undefined;
}

/** The values of variables that decide what is in an event. Those of the field's own arguments decide where the stream starts. */
function usedVariables({ document, variableValues }: ExecutionArgs, root: FieldNode): unknown[] {
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (node) => (root.arguments?.includes(node) ? false : undefined),
    Variable: ({ name }) => void names.add(name.value),
  });
  return [...names].map((name) => [name, variableValues?.[name]]);
}

function identityOf(event: StreamedChange): string {
  if (event.kind === 'change') {
    const { revision, position } = event.change;
    return `change ${event.epoch}:${revision}/${position}`;
  }
  const position = event.kind === 'refusals' ? event.position : '';
  return `${event.kind} ${event.epoch}:${event.revision}/${position}`;
}

const noContext = Object.freeze({});

function executeEvent(args: ExecutionArgs, event: StreamedChange): ExecutionResult {
  const { schema, document, variableValues, operationName } = args;
  return executeSync({
    schema,
    document,
    variableValues,
    operationName,
    rootValue: event,
    contextValue: noContext,
  });
}
