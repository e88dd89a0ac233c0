/** A clock in milliseconds that never goes back. The protocol does not use the time of day. */
export type Clock = () => number;

/**
 * The clock for waiting until leases of others have ended: never ahead of real time. It may stop while the machine
 * sleeps.
 */
export const waitingClock: Clock = () => performance.now();

/**
 * The clock for a lease of one's own: never behind real time. A sleeping machine stops the monotonic clock but not the
 * time of day, so the difference is added. A change of the time of day counts as sleep, too.
 */
export function createTrustClock(
  monotonic: () => number = () => performance.now(),
  timeOfDay = Date.now,
): Clock {
  const toleranceMs = 50;
  let difference = timeOfDay() - monotonic();
  let slept = 0;
  return () => {
    const now = monotonic();
    const gained = timeOfDay() - now - difference;
    if (Math.abs(gained) > toleranceMs) {
      if (gained > 0) slept += gained;
      difference += gained;
    }
    return now + slept;
  };
}

/** A moment on both clocks, in milliseconds. */
export interface Moment {
  waiting: number;
  trusted: number;
}

/** Now: read again where the process had to wait between the two clocks. */
export function momentOf({ clock, waitingClock }: { clock: Clock; waitingClock: Clock }): Moment {
  for (;;) {
    const moment = { waiting: waitingClock(), trusted: clock() };
    if (waitingClock() - moment.waiting <= 1) return moment;
  }
}
