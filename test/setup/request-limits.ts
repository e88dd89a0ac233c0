import type { Config } from '../../src/config.js';

/** As without settings, but for a machine that runs tests: its event loops may be late. */
export const usualRequestLimits: Config['requestLimits'] = {
  queryTimeoutMs: 10_000,
  budgets: { resolve: 1_000, read: 20_000 },
  answerBytes: 10_000_000,
  streamsPerCaller: 200,
  streamsPerGateway: 5_000,
  shedDelayMs: undefined,
};
