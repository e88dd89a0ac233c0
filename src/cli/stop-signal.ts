import { constants } from 'node:os';

/** npm passes on the Ctrl-C that the terminal has sent us already: within this time it is the same one. */
const echoMs = 500;

/** The first signal stops gracefully; a second one, from somebody impatient, ends the process at once. */
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
