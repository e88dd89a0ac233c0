import { constants } from 'node:os';

/** npm forwards a Ctrl-C that the terminal has sent to this process as well; within this time both are one. */
const echoMs = 500;

/** Resolves with the first stop signal; a second one ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  let since: number | undefined;
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => {
        since ??= performance.now();
        resolve(signal);
        if (performance.now() - since > echoMs) process.exit(128 + constants.signals[signal]);
      });
  });
}
