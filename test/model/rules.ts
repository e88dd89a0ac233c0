/** The rules of the protocol, each of which can be left out to see what it is there for. */
export const rules = {
  lease: 'nothing is answered from a tier without a lease',
  leaseFromSending: 'a lease begins when its poll is sent, not when it is answered',
  leaseNeedsRow: 'without a row there is no lease',
  checkOnRead: 'every entry is checked when it is answered',
  checkOnFill: 'what a change has overtaken is not stored',
  checkOnShare: 'a load that others wait for too is checked for them when it lands',
  slowLoadsRefused: 'a load that took D is answered to nobody',
  newerEntryKept: 'memory keeps the newer entry',
  memoryCleared: 'a resync clears memory',
  epochCheck: 'an entry of another epoch is not answered',
  floorsRaised: 'what a poll finds changed raises the floor',
  base: 'after a resync everything older than the page is dead',
  gapResync: 'a page that does not go on where the last one ended is a resync',
  epochResync: 'a page of another epoch is a resync',
  reportApplied: 'a gateway reports what it has applied, not what PostgreSQL has read for it',
  ackWaits: 'a mutation is answered when everybody has reported it, or D after the commit',
  ackWaitsForD: 'who has not reported is waited for until D has passed',
  ackIgnoresAge: 'a row is waited for even if its last report is older than D',
  ackInEpoch: 'what rows say counts only in the epoch of the commit',
  removeSilentOnly: 'only a row that was watched being silent for D is removed',
  removeInEpoch: 'a row is removed only in the epoch it was watched in',
  settles: 'who lived through a new epoch keeps acks waiting for D',
  registersWithEpoch: 'who registers learns the epoch it registers in',
  staysWhenUnsettled: 'who stops leaves its row behind unless it is settled in the current epoch',
  token: 'an answer is at least as new as the token',
  tokenEpoch: 'an entry of another epoch is never as new as a token',
  tokenLoads: 'who brings a token shares no earlier load',
  rowSurvives: 'of the world: a failover does not lose the row of every gateway',
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
