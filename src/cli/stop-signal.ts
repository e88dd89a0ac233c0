import { constants } from 'node:os';

/** npm forwards a Ctrl-C that the terminal has sent to this process as well; within this time both are one. */
const echoMs = 500;

/**
 * Resolves with the first stop signal; a second one ends the process at once. SIGHUP is one where a terminal has gone; for a process
 * without a terminal it means that settings are to be read again (`systemctl reload`), if `onReload` is given.
 */
export function stopSignal(onReload?: () => void): Promise<NodeJS.Signals> {
  const reloads = onReload !== undefined && ![process.stdin, process.stderr].some(({ isTTY }) => isTTY);
  if (reloads) process.on('SIGHUP', onReload);
  let since: number | undefined;
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', ...(reloads ? [] : ['SIGHUP' as const])] as const)
      process.on(signal, () => {
        since ??= performance.now();
        resolve(signal);
        if (performance.now() - since > echoMs) process.exit(128 + constants.signals[signal]);
      });
  });
}
