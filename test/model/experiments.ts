import type { Property } from './properties.js';
import type { Rule } from './rules.js';
import type { Size } from './state.js';

const small: Size = { commits: 2, epochs: 1, staleness: 1, page: 1, answersLate: true, hasMemory: false };
const withFailover: Size = { ...small, commits: 1, epochs: 2 };
const withMemory: Size = { ...small, answersLate: false, hasMemory: true };

/** Searched to the end with all rules, in seconds: for the suite. */
export const smallWorlds: Readonly<Record<string, Size>> = {
  'two changes, D of two ticks': { ...small, staleness: 2, answersLate: false },
  'a failover': { ...withFailover, answersLate: false },
};

/** In minutes: for bench/check-model.ts. */
export const largeWorlds: Readonly<Record<string, Size>> = {
  ...smallWorlds,
  'two changes, D of two ticks, late answers': { ...small, staleness: 2 },
  'three changes': { ...small, commits: 3, answersLate: false },
  'a failover, late answers': withFailover,
  'a failover, D of two ticks': { ...withFailover, staleness: 2, answersLate: false },
  'two changes, memory told apart': { ...withMemory, answersLate: true },
};

interface Experiment {
  /** The smallest world in which the rule is missed. */
  size: Size;
  /** What breaks first without it, or what to look for. */
  breaks: Property;
}

/** What each rule is there for. */
export const experiments: Readonly<Record<Exclude<Rule, Redundant>, Experiment>> = {
  lease: { size: small, breaks: 'I1' },
  leaseFromSending: { size: small, breaks: 'I1' },
  leaseNeedsRow: { size: small, breaks: 'I4' },
  checkOnRead: { size: small, breaks: 'I1' },
  // No answer: Redis holds whatever was true once in every search, so what is stored makes no difference to those.
  checkOnFill: { size: small, breaks: 'I5' },
  checkOnShare: { size: small, breaks: 'I4' },
  slowLoadsRefused: { size: small, breaks: 'I1' },
  newerEntryKept: { size: withMemory, breaks: 'I5' },
  epochCheck: { size: withFailover, breaks: 'I6' },
  floorsRaised: { size: small, breaks: 'I8' },
  base: { size: small, breaks: 'I8' },
  gapResync: { size: small, breaks: 'I8' },
  epochResync: { size: withFailover, breaks: 'I8' },
  reportApplied: { size: small, breaks: 'I4' },
  ackWaits: { size: small, breaks: 'I4' },
  ackWaitsForD: { size: small, breaks: 'I4' },
  ackIgnoresAge: { size: small, breaks: 'I4' },
  ackInEpoch: { size: withFailover, breaks: 'I4' },
  removeSilentOnly: { size: small, breaks: 'I4' },
  removeInEpoch: { size: withFailover, breaks: 'I4' },
  settles: { size: withFailover, breaks: 'I4' },
  registersWithEpoch: { size: withFailover, breaks: 'I4' },
  staysWhenUnsettled: { size: withFailover, breaks: 'I4' },
  token: { size: small, breaks: 'I2' },
  tokenEpoch: { size: withFailover, breaks: 'I2' },
  tokenLoads: { size: small, breaks: 'I2' },
  rowSurvives: { size: withFailover, breaks: 'I4' },
};

/** Memory hygiene: every entry is checked when it is answered, so nothing breaks when a resync keeps them. */
export type Redundant = 'memoryCleared';

export const redundant: Readonly<Record<Redundant, Size>> = {
  // With empty pages every change is a resync.
  memoryCleared: { ...withMemory, commits: 1, page: 0 },
};
