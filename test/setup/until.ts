import { setTimeout as delay } from 'node:timers/promises';

/** Servers that tests start answer within this time, in milliseconds. */
const startupMs = 15_000;

/** Polls until the condition holds. */
export async function until(isSo: () => Promise<boolean> | boolean, withinMs = startupMs): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await delay(20);
  }
}
