import { buildSchema, type ExecutionArgs, GraphQLError, type GraphQLObjectType, parse } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import type { SeenPage, StreamedChange } from '../../src/feed/seen-pages.js';
import { schema as gatewaySchema } from '../../src/graphql/schema.js';
import { type PieceOf, SharedFrames } from '../../src/graphql/streams/shared-frames.js';
import { aChange } from '../protocol/support/scripted-feed.js';

let executed: string[];
let frames: SharedFrames;
beforeEach(() => {
  executed = [];
  frames = new SharedFrames();
});

/** A schema of the same form that counts what is executed; a tenant "broken" is an error. */
const schema = buildSchema(`
  type Query { nothing: Int }
  type Subscription { routesChanged(since: String): RouteChange!, other: RouteChange }
  type RouteChange { place: String!, slug: String }
`);
Object.assign(schema.getSubscriptionType()?.getFields().routesChanged ?? {}, {
  resolve: (event: StreamedChange) => {
    const place = placeOf(event);
    executed.push(place);
    return {
      place,
      slug: () => {
        if (event.kind !== 'change') return null;
        if (event.change.tenantSlug === 'broken') throw new GraphQLError('broken');
        return event.change.tenantSlug;
      },
    };
  },
});

function placeOf(event: StreamedChange): string {
  return event.kind === 'change' ? `${event.change.revision}` : `${event.kind} ${event.revision}`;
}

function open(query: string, args: Partial<ExecutionArgs> = {}): PieceOf {
  const pieceOf = frames.open({ schema, document: parse(query), ...args });
  if (!pieceOf) throw new Error('not in the usual form');
  return pieceOf;
}

const change = (revision: bigint, tenantSlug = 'acme'): StreamedChange => ({
  kind: 'change',
  epoch: 'e',
  change: aChange(revision, { tenantSlug }),
});

let pageId = 0;
const nothingMore = { page: { id: 0, events: [] }, at: 0 };
const pageOf = (...events: StreamedChange[]): SeenPage => ({ id: ++pageId, events });
const textOf = (piece: ReturnType<PieceOf>) => Buffer.from(piece.frames as Uint8Array).toString();

const slugs = 'subscription { routesChanged { slug } }';

describe('an event is executed once', () => {
  test('for all subscribers with one document, wherever they begin and whatever page it is in', () => {
    const withSince = 'subscription ($since: String) { routesChanged(since: $since) { slug } }';
    const pieces = Array.from({ length: 20 }, (_, at) =>
      open(withSince, { variableValues: { since: `${at}` } }),
    );
    const page = pageOf(change(1n), change(2n), change(3n));
    const texts = pieces.map((pieceOf) => textOf(pieceOf(page.events[0] as StreamedChange, { page, at: 1 })));
    const alone = pieces.map((pieceOf) => textOf(pieceOf(change(2n), nothingMore)));
    expect(executed).toEqual(['1', '2', '3']);
    const one = 'event: next\ndata: {"data":{"routesChanged":{"slug":"acme"}}}\n\n';
    expect(new Set(texts)).toEqual(new Set([one.repeat(3)]));
    expect(new Set(alone)).toEqual(new Set([one]));
  });

  test('for each document, operation name and value of a variable that selects fields', () => {
    const by = 'subscription A($w: Boolean!) { routesChanged { place slug @include(if: $w) } }';
    const two = `${slugs.replace('subscription', 'subscription A')} subscription B { routesChanged { place } }`;
    const texts = [
      open(slugs),
      open(by, { variableValues: { w: true } }),
      open(by, { variableValues: { w: false } }),
      open(two, { operationName: 'A' }),
      open(two, { operationName: 'B' }),
    ].map((pieceOf) => textOf(pieceOf(change(1n), nothingMore)).split('routesChanged":')[1]);
    expect(executed).toEqual(['1', '1', '1', '1', '1']);
    expect(texts).toEqual(
      [
        '{"slug":"acme"}',
        '{"place":"1","slug":"acme"}',
        '{"place":"1"}',
        '{"slug":"acme"}',
        '{"place":"1"}',
      ].map((answer) => `${answer}}}\n\n`),
    );
  });

  test('and each kind of it on its own: who sees refusals gets nothing that another caller sees', () => {
    const pieceOf = open('subscription { routesChanged { place slug } }');
    const epoch = 'e';
    const kinds: StreamedChange[] = [
      change(1n),
      { kind: 'refusals', epoch, revision: 1n, position: 0 },
      { kind: 'resync', epoch, revision: 1n },
      { kind: 'refusals', epoch: 'f', revision: 1n, position: 0 },
      { kind: 'refusals', epoch, revision: 1n, position: 1 },
    ];
    const texts = kinds.map((event) => textOf(pieceOf(event, nothingMore)));
    expect(executed).toHaveLength(5);
    expect(texts.map((text) => text.includes('acme'))).toEqual([true, false, false, false, false]);
  });

  test('and an event with an error for each subscriber, after the events before it', () => {
    const pieceOf = open(slugs);
    const page = pageOf(change(1n), change(2n, 'broken'), change(3n));
    const first = pieceOf(page.events[0] as StreamedChange, { page, at: 1 });
    expect(first.next).toBe(1);
    expect(textOf(first).match(/event: next/g)).toHaveLength(1);
    for (let round = 0; round < 2; round++) {
      const broken = pieceOf(page.events[1] as StreamedChange, { page, at: 2 });
      expect(broken).toMatchObject({ frames: { errors: [{ message: 'broken' }] }, next: 2 });
    }
    expect(executed).toEqual(['1', '2', '2', '2']);
  });
});

test('a piece ends after about 16 kB, and the next one goes on where it ended', () => {
  const pieceOf = open(slugs);
  const page = pageOf(...Array.from({ length: 1_000 }, (_, at) => change(BigInt(at), `tenant-${at}`)));
  let text = '';
  let pieces = 0;
  for (let at = 0; at < page.events.length; pieces++) {
    const piece = pieceOf(page.events[at] as StreamedChange, { page, at: at + 1 });
    expect((piece.frames as Uint8Array).length).toBeLessThan(17_000);
    text += textOf(piece);
    at = piece.next;
  }
  expect(pieces).toBeGreaterThan(3);
  const heard = [...text.matchAll(/"tenant-(\d+)"/g)].map(([, at]) => Number(at));
  expect(heard).toEqual(page.events.map((_, at) => at));
});

test.each([
  'subscription { other { slug } }',
  'subscription { ...F } fragment F on Subscription { routesChanged { slug } }',
  'subscription { ... on Subscription { routesChanged { slug } } }',
  'subscription { routesChanged @include(if: true) { slug } }',
  'subscription { routesChanged { slug } x: routesChanged { slug } }',
  'query { nothing }',
  'subscription A { routesChanged { slug } } subscription B { routesChanged { slug } }',
])('%s is left to Yoga', (query) => {
  expect(frames.open({ schema, document: parse(query) })).toBeUndefined();
});

test('every field of an event is resolved without the caller: all of them are in the shared text', () => {
  const fields = Object.keys((gatewaySchema.getType('RouteChange') as GraphQLObjectType).getFields());
  expect(fields.length).toBeGreaterThan(6);
  const document = parse(`subscription { routesChanged { __typename ${fields.join(' ')} } }`);
  const pieceOf = frames.open({ schema: gatewaySchema, document });
  const epoch = '0123456789abcdef';
  for (const event of [change(1n), { kind: 'resync' as const, epoch, revision: 2n }])
    expect(pieceOf?.(event, nothingMore).frames).toBeInstanceOf(Uint8Array);
});
