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
