import { within } from '../../within.js';

/** How long a connection may take to close, in milliseconds. Its last answers are not needed any more. */
const closingMs = 1_000;

/**
 * Waits for a connection to close, but not longer than a second: a server that hangs must not keep the gateway from
 * stopping.
 */
export async function closeInTime(closing: Promise<unknown> | undefined): Promise<void> {
  await within(closingMs, Promise.resolve(closing), () => undefined);
}
