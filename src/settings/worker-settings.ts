import { oneOf, type Setting, wholeNumber } from './setting.js';

/** Environment variables about the work that gateways and workers do by themselves. */
export const workerSettings = {
  WORKER: {
    default: 'inside',
    ...oneOf('inside', 'none'),
    meaning:
      'Whether this gateway runs operations that are due. With `none` it runs only operations that its own callers wait for, and ' +
      '`tenant-registry worker` runs the others.',
  },
  DRIFT_SCAN_HOURS: {
    default: '24',
    ...wholeNumber(0, 8_760),
    meaning:
      'How often a worker compares the registry and the structure of all schemas with the service databases, in hours, for the query `drift`. ' +
      'Several workers share one comparison. 0: only `tenant-registry doctor --structure` does it.',
  },
  OPERATION_HEARTBEAT_MS: {
    default: '5000',
    ...wholeNumber(100, 60_000),
    meaning: 'How often a process that runs an operation reports that it is alive, in milliseconds.',
  },
  OPERATION_TAKE_OVER_MS: {
    default: '15000',
    ...wholeNumber(300, 600_000),
    meaning:
      'After how long without a heartbeat another process takes an operation over, in milliseconds. At least three times ' +
      '`OPERATION_HEARTBEAT_MS`.',
  },
} as const satisfies Record<string, Setting>;
