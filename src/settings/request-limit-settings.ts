import type { NumberSetting } from './settings.js';

/** Limits on single requests and streams. */
export interface RequestLimitSettings {
  /** Deadline of a query that reads rows, in milliseconds. */
  queryTimeoutMs: number;
  /** Highest estimated cost of an operation, for callers that only resolve and for all others. */
  budgets: { resolve: number; read: number };
  /** Size of the largest answer to a query, in bytes. */
  answerBytes: number;
  streamsPerCaller: number;
  streamsPerGateway: number;
  /** Delay of the event loop beyond which requests are refused, in milliseconds; undefined: never. */
  shedDelayMs: number | undefined;
}

export function readRequestLimits(read: (name: NumberSetting) => number): RequestLimitSettings {
  return {
    queryTimeoutMs: read('QUERY_TIMEOUT_MS'),
    budgets: { resolve: read('QUERY_BUDGET_RESOLVE'), read: read('QUERY_BUDGET') },
    answerBytes: read('ANSWER_LIMIT_MB') * 1_000_000,
    streamsPerCaller: read('STREAMS_PER_CALLER'),
    streamsPerGateway: read('STREAMS_PER_GATEWAY'),
    shedDelayMs: read('SHED_DELAY_MS') || undefined,
  };
}
