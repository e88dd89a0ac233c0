import { expect, test } from 'vitest';
import { openChangeStream } from '../../src/feed/change-stream.js';
import { aChange } from '../protocol/support/scripted-feed.js';

test('a subscriber that falls too far behind gets a resync and continues from there', async () => {
  const position = { epoch: 'first', revision: 10n };
  const reads: [bigint, bigint][] = [];
  const stream = openChangeStream({
    position: () => ({ ...position }),
    read: async (_epoch, after, upTo) => {
      reads.push([after, upTo]);
      return [aChange(upTo)];
    },
  });
  const slow = stream.subscribe(undefined, () => 'whole');
  const first = slow.next();
  position.revision = 11n;
  stream.moved([aChange(11n)]);
  expect(await first).toMatchObject({ value: { kind: 'change', change: { revision: 11n } } });

  position.revision = 200_000n;
  stream.moved([aChange(200_000n)]);
  expect(await slow.next()).toEqual({ value: { kind: 'resync', ...position }, done: false });

  const next = slow.next();
  position.revision = 200_001n;
  stream.moved([aChange(200_001n)]);
  expect(await next).toMatchObject({ value: { kind: 'change', change: { revision: 200_001n } } });
  // Nothing was read from the log that the subscriber did not get.
  expect(reads.every(([after]) => after < 11n || after >= 200_000n)).toBe(true);
  stream.close();
});

test('a subscriber that was busy in the round of a change gets it in the next one', async () => {
  const position = { epoch: 'first', revision: 10n };
  const stream = openChangeStream({ position: () => ({ ...position }), read: async () => [] });
  const moveTo = (revision: bigint) => {
    position.revision = revision;
    stream.moved([aChange(revision)]);
  };
  moveTo(11n);
  const busy = stream.subscribe({ epoch: 'first', revision: 11n }, () => 'whole');
  const other = stream.subscribe({ epoch: 'first', revision: 11n }, () => 'whole');
  const firsts = [busy.next(), other.next()];
  moveTo(12n);
  expect(await Promise.all(firsts)).toMatchObject([
    { value: { change: { revision: 12n } } },
    { value: { change: { revision: 12n } } },
  ]);
  const second = other.next();
  moveTo(13n);
  expect(await second).toMatchObject({ value: { change: { revision: 13n } } });
  expect(await busy.next()).toMatchObject({ value: { change: { revision: 13n } } });
  expect(busy.rest.page).toBe(other.rest.page);
  stream.close();
});

test('a subscriber that comes before the follower has a position gets every change after the first one', async () => {
  let position: { epoch: string; revision: bigint } | undefined;
  const stream = openChangeStream({ position: () => position, read: async () => [] });
  const moveTo = (...revisions: bigint[]) => {
    position = { epoch: 'first', revision: revisions.at(-1) ?? 0n };
    stream.moved(revisions.map((revision) => aChange(revision)));
  };
  const early = stream.subscribe(undefined, () => 'whole');
  const first = early.next();
  moveTo(10n);
  // A second subscriber is woken in the same round, and then knows the position as well.
  const later = stream.subscribe(undefined, () => 'whole').next();
  await stream.turn();
  moveTo(11n, 12n);
  for (const change of [await first, await later])
    expect(change).toMatchObject({ value: { kind: 'change', change: { revision: 11n } } });
  expect(await early.next()).toMatchObject({ value: { change: { revision: 12n } } });
  stream.close();
});
