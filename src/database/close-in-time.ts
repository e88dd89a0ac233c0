import { within } from '../within.js';

/** How long something may take to close, in milliseconds: nobody waits for its last answers any more. */
const closingMs = 1_000;

/** A server that hangs must not keep the gateway from stopping. */
export async function closeInTime(closing: Promise<unknown> | undefined): Promise<void> {
  await within(closingMs, Promise.resolve(closing), () => undefined);
}
