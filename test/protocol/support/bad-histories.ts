import type { Invariant } from './check-history.js';
import {
  type Acknowledged,
  type Answered,
  absent,
  type Committed,
  type Filled,
  formatValue,
  type History,
  type HistoryEvent,
  type Moved,
} from './history.js';

/**
 * Histories made by hand: each breaks exactly one rule, or looks similar and breaks none. The staleness bound is 5,000
 * ms.
 */

const acme = (status: string, schema = 'acme_1') => formatValue({ id: 'id-acme', status, schema }, 1);
const globex = formatValue({ id: 'id-globex', status: 'active', schema: 'globex_1' }, 1);

const commit = (at: number, revision: bigint, values: Committed['values'], epoch = 'first'): Committed => ({
  kind: 'committed',
  ...{ at, epoch, revision, values },
});
const begin = (at: number, epoch: string, kept: bigint): HistoryEvent => ({ kind: 'begun', at, epoch, kept });

const beginning = [
  begin(0, 'first', 10n),
  commit(0, 10n, { acme: acme('active'), 'id-acme': acme('active'), globex, new: absent }),
];
const suspend = commit(1_000, 11n, { acme: acme('suspended'), 'id-acme': acme('suspended') });
const move = commit(1_000, 11n, { acme: acme('active', 'acme_2'), 'id-acme': acme('active', 'acme_2') });
const register = commit(1_000, 11n, {
  new: formatValue({ id: 'id-new', status: 'active', schema: 'new_1' }, 1),
});
const unrelated = commit(1_100, 12n, {
  globex: formatValue({ id: 'id-globex', status: 'active', schema: 'globex_2' }, 1),
});
const failover = begin(1_200, 'second', 10n);

const ack = (at: number, more: Partial<Acknowledged> = {}): Acknowledged => ({
  kind: 'acknowledged',
  at,
  epoch: 'first',
  revision: 11n,
  waitFor: 'GATEWAYS',
  ...more,
});

/** An answer; by default the active acme of revision 10, from the memory of a gateway whose position has not moved. */
const answer = (start: number, more: Partial<Answered> = {}): Answered => ({
  kind: 'answered',
  start,
  at: start + 1,
  client: 'ann',
  reference: 'acme',
  gateway: 'one',
  epoch: 'first',
  asOf: 10n,
  value: acme('active'),
  tier: 'memory',
  isStrong: false,
  token: undefined,
  ...more,
});
const held = { gateway: undefined, tier: 'client' };
const suspended = { asOf: 11n, value: acme('suspended') };

const moved = (at: number, more: Partial<Moved> = {}): Moved => ({
  kind: 'moved',
  at,
  gateway: 'one',
  epoch: 'first',
  revision: 11n,
  ...more,
});

const fill = (at: number, more: Partial<Filled> = {}): Filled => ({
  kind: 'filled',
  at,
  gateway: 'one',
  tier: 'memory',
  reference: 'acme',
  epoch: 'first',
  asOf: 10n,
  value: acme('active'),
  known: { epoch: 'first', revision: 10n },
  over: undefined,
  ...more,
});

const token = (revision: bigint, isOwnWrite: boolean, epoch = 'first') => ({
  token: { epoch, revision, isOwnWrite },
});

const historyOf = (...events: HistoryEvent[]): History => ({
  stalenessMs: 5_000,
  events: [...beginning, ...events],
});

export const badHistories: readonly [Invariant, string, History][] = [
  ['I1', 'an answer that was no longer true D ago', historyOf(suspend, answer(6_001))],
  ['I1', 'a STRONG answer from before the question', historyOf(suspend, answer(1_001, { isStrong: true }))],
  ['I1', 'a client that holds an answer for longer than D', historyOf(suspend, answer(6_001, held))],
  ['I1', 'an answer from a history that was replaced more than D ago', historyOf(failover, answer(6_201))],
  [
    'I2',
    'an answer from before the one whose revision was sent along',
    historyOf(suspend, answer(1_001, suspended), answer(1_010, token(11n, false))),
  ],
  [
    'I2',
    'an answer of an earlier epoch than the token',
    historyOf(failover, answer(1_300, token(10n, false, 'second'))),
  ],
  [
    'I3',
    'an answer that does not know the client’s own change',
    historyOf(move, answer(1_001, token(11n, true))),
  ],
  [
    'I3',
    'a tenant not found by who has just registered it',
    historyOf(register, answer(1_001, { reference: 'new', value: absent, ...token(11n, true) })),
  ],
  ['I4', 'an answer from before an acknowledged change', historyOf(suspend, ack(1_050), answer(1_060))],
  [
    'I4',
    'what a client holds, after a change acknowledged everywhere',
    historyOf(suspend, ack(1_050, { waitFor: 'EVERYWHERE' }), answer(1_060, held)),
  ],
  [
    'I4',
    'an answer from before a change by hand that an acknowledged one came after',
    historyOf(suspend, unrelated, ack(1_150, { revision: 12n }), answer(1_160)),
  ],
  [
    'I4',
    'an answer of the lost history after a change of the new one was acknowledged',
    historyOf(
      failover,
      commit(1_250, 11n, { globex }, 'second'),
      ack(1_300, { epoch: 'second' }),
      answer(1_310),
    ),
  ],
  [
    'I5',
    'something stored that the gateway has read to be over',
    historyOf(suspend, fill(1_100, { known: moved(0) })),
  ],
  ['I5', 'an old value under a new revision', historyOf(suspend, answer(1_001, { asOf: 11n }))],
  [
    'I5',
    'something stored over what is newer',
    historyOf(unrelated, fill(1_200, { over: { epoch: 'first', asOf: 12n } })),
  ],
  [
    'I6',
    'a value of the lost history under a revision of the new one',
    historyOf(
      suspend,
      failover,
      commit(1_300, 11n, { globex }, 'second'),
      answer(1_400, { epoch: 'second', ...suspended }),
    ),
  ],
  [
    'I6',
    'something stored of another history than the gateway follows',
    historyOf(failover, fill(1_300, { known: moved(0, { epoch: 'second', revision: 10n }) })),
  ],
  [
    'I7',
    'a name that belonged to another tenant',
    historyOf(
      answer(500),
      commit(1_000, 11n, { globex: formatValue({ id: 'id-globex', status: 'active', schema: 'acme_1' }, 1) }),
      answer(1_100, {
        reference: 'globex',
        asOf: 11n,
        value: formatValue({ id: 'id-globex', status: 'active', schema: 'acme_1' }, 1),
      }),
    ),
  ],
  ['I7', 'the route of another tenant', historyOf(answer(500), answer(600, { value: globex }))],
  [
    'I8',
    'ACTIVE from a gateway that has read of the suspend',
    historyOf(suspend, moved(1_010), answer(1_020)),
  ],
];

export const goodHistories: readonly [string, History][] = [
  ['an old answer before the ack and within D', historyOf(suspend, answer(5_900))],
  ['an old answer to who asked before the ack', historyOf(suspend, ack(1_050), answer(1_040, { at: 1_100 }))],
  [
    'an old answer of another gateway than the one that has read of it',
    historyOf(suspend, moved(1_010, { gateway: 'two' }), answer(1_020)),
  ],
  [
    'what a client holds, when only gateways have acknowledged',
    historyOf(suspend, ack(1_050), answer(1_060, held)),
  ],
  [
    'nothing acknowledged, with wait: COMMITTED',
    historyOf(suspend, ack(1_050, { waitFor: 'COMMITTED' }), answer(1_060)),
  ],
  [
    'ACTIVE again after a resume',
    historyOf(
      suspend,
      commit(1_100, 12n, { acme: acme('active') }),
      moved(1_200, { revision: 12n }),
      answer(1_300, { asOf: 12n }),
    ),
  ],
  [
    'the new answer at once, by any way',
    historyOf(suspend, answer(1_001, suspended), ack(1_050), answer(1_060, { ...suspended, ...held })),
  ],
  [
    'an acknowledged change that the failover lost',
    historyOf(suspend, ack(1_050), failover, answer(1_300, { epoch: 'second' })),
  ],
  [
    'a token of the lost history',
    historyOf(suspend, failover, answer(1_300, { epoch: 'second', ...token(11n, true) })),
  ],
  [
    'an older revision, when nothing has touched the tenant since',
    historyOf(unrelated, ack(1_150, { revision: 12n }), moved(1_160, { revision: 12n }), answer(9_000)),
  ],
  ['something stored that the gateway can’t know to be over', historyOf(suspend, fill(1_100))],
];
