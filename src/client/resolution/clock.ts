/** Milliseconds that only increase. */
export type Clock = () => number;

/**
 * The clock of a lease: it never falls behind real time. The monotonic clock stops while a machine sleeps, so the
 * time that the wall clock gained on it is added. A wall clock that is set forward counts as sleep too.
 */
export function createTrustClock(monotonic: Clock = () => performance.now(), timeOfDay = Date.now): Clock {
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
