/** A description of every move; {gateway} and {point} are filled in. */
export const words = {
  tick: 'a tick passes',
  commitByHand: 'psql changes the tenant: revision {point}',
  commitElsewhere: 'psql changes something else: revision {point}',
  commitAndWait: 'a mutation changes the tenant, revision {point}, and waits to be acknowledged',
  ackAtCommit: 'a mutation changes the tenant and is acknowledged at once: revision {point}',
  failOver: 'a standby takes over; what is left is revision {point}',
  failOverWithoutRow:
    'a standby takes over, without the row of gateway {gateway}; what is left is revision {point}',
  failOverWithoutOrphan:
    'a standby takes over, without the row of a crashed gateway; what is left is revision {point}',
  ackReported: 'every row has reported revision {point}: acknowledged',
  ackAfterD: 'the staleness bound has passed since revision {point}: acknowledged',
  ackAndRemove:
    'the staleness bound has passed since revision {point}: acknowledged, and the rows of those who were silent are removed',
  register: '{gateway} makes its row',
  poll: '{gateway} sends a poll; PostgreSQL reads revision {point} for it',
  report: 'the poll of {gateway} commits its report',
  losePoll: 'the poll of {gateway} gets no answer',
  begin: '{gateway} gets the answer and begins at revision {point}',
  advance: '{gateway} gets the answer and moves to revision {point}',
  advanceWithoutRow:
    'the poll of {gateway} finds no row; it moves to revision {point} and still gets a lease',
  resync: '{gateway} gets the answer, which does not continue its position: it clears everything',
  noRow: 'the poll of {gateway} finds no row: no lease',
  crash: '{gateway} crashes and starts anew; its row stays behind',
  stop: '{gateway} stops, removes its row, and starts anew',
  land: 'a load that read {point} reaches {gateway} and is stored',
  landShared: 'a load that read {point} reaches {gateway} and answers a request from a moment ago',
  landOwn: 'a load that read {point} reaches {gateway} and answers the request that started it',
  landForToken:
    'a load that read {point} reaches {gateway} and answers a request from a moment ago with a newer token',
  copy: '{gateway} takes {point} from Redis into its memory',
} as const;

export type Move = keyof typeof words;
