/** The rules of the protocol. A search can leave one out to show its purpose. */
export const rules = {
  lease: 'nothing is answered from a tier without a lease',
  leaseFromSending: 'a lease begins when its poll is sent, not when it is answered',
  leaseNeedsRow: 'without a row there is no lease',
  checkOnRead: 'every entry is checked when it is answered',
  checkOnFill: 'an entry that a change has made stale is not stored',
  checkOnShare: 'a shared load is checked for each waiting request when it arrives',
  slowLoadsRefused: 'a load that took longer than the staleness bound answers no request',
  newerEntryKept: 'memory keeps the newer entry',
  memoryCleared: 'a resync clears memory',
  epochCheck: 'an entry of another epoch is not answered',
  floorsRaised: 'a change that a poll finds raises the floor',
  base: 'after a resync everything older than the page is invalid',
  gapResync: 'a page that does not continue the last one is a resync',
  epochResync: 'a page of another epoch is a resync',
  reportApplied:
    'a gateway reports the revision that it has applied, not the one that PostgreSQL has read for it',
  ackWaits:
    'a mutation is answered when every replica has reported it, or one staleness bound after the commit',
  ackWaitsForD: 'a mutation waits for replicas that have not reported until the staleness bound has passed',
  ackIgnoresAge: 'a mutation waits for a row even if its last report is older than the staleness bound',
  ackInEpoch: 'reports count only in the epoch of the commit',
  removeSilentOnly: 'only a row that was watched to be silent for the staleness bound is removed',
  removeInEpoch: 'a row is removed only in the epoch it was watched in',
  settles: 'a gateway that has seen a new epoch begin makes mutations wait for the staleness bound',
  registersWithEpoch: 'a gateway that registers gets the current epoch',
  staysWhenUnsettled: 'a gateway that stops keeps its row unless it is settled in the current epoch',
  token: 'an answer is at least as new as the token',
  tokenEpoch: 'an entry of another epoch is never as new as a token',
  tokenLoads: 'a request with a token shares no earlier load',
  rowSurvives: 'an assumption: a failover does not lose the rows of all gateways',
} as const;

export type Rule = keyof typeof rules;

export type Rules = Readonly<Record<Rule, boolean>>;

export const ruleNames = Object.keys(rules) as Rule[];

export function rulesWithout(...missing: Rule[]): Rules {
  return Object.fromEntries(ruleNames.map((rule) => [rule, !missing.includes(rule)])) as Record<
    Rule,
    boolean
  >;
}
