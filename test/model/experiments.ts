import type { Property } from './properties.js';
import type { Rule } from './rules.js';
import type { Size } from './state.js';

const small: Size = { commits: 2, epochs: 1, staleness: 1, page: 1, answersLate: true, hasMemory: false };
const withFailover: Size = { ...small, commits: 1, epochs: 2 };
const withMemory: Size = { ...small, answersLate: false, hasMemory: true };

/** Models that the suite searches completely with all rules; each takes seconds. */
export const smallModels: Readonly<Record<string, Size>> = {
  'two changes, a staleness bound of two ticks': { ...small, staleness: 2, answersLate: false },
  'a failover': { ...withFailover, answersLate: false },
};

/** Models for bench/check-model.ts; each takes minutes. */
export const largeModels: Readonly<Record<string, Size>> = {
  ...smallModels,
  'two changes, a staleness bound of two ticks, late answers': { ...small, staleness: 2 },
  'three changes': { ...small, commits: 3, answersLate: false },
  'a failover, late answers': withFailover,
  'a failover, a staleness bound of two ticks': { ...withFailover, staleness: 2, answersLate: false },
  'two changes, memory apart from Redis': { ...withMemory, answersLate: true },
};

interface Experiment {
  /** The smallest model in which the protocol fails without the rule. */
  size: Size;
  /** The property that fails first without the rule. */
  breaks: Property;
}

/** The property that each rule protects. */
export const experiments: Readonly<Record<Exclude<Rule, Redundant>, Experiment>> = {
  lease: { size: small, breaks: 'I1' },
  leaseFromSending: { size: small, breaks: 'I1' },
  leaseNeedsRow: { size: small, breaks: 'I4' },
  checkOnRead: { size: small, breaks: 'I1' },
  // The violation is the storing itself and not an answer: in every search Redis may have any earlier state, so what is
  // stored makes no difference to answers.
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

/** A rule that only saves memory: every entry is checked when it is used, so nothing fails when a resync keeps them. */
export type Redundant = 'memoryCleared';

export const redundant: Readonly<Record<Redundant, Size>> = {
  // With empty pages every change is a resync.
  memoryCleared: { ...withMemory, commits: 1, page: 0 },
};
