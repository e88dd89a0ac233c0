import { setTimeout as delay } from 'node:timers/promises';

/** Servers that tests start answer within this time, in milliseconds, also on a machine that is busy with much else. */
const startupMs = 60_000;

/** Polls until the condition holds. */
export async function until(isSo: () => Promise<boolean> | boolean, withinMs = startupMs): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await delay(20);
  }
}
