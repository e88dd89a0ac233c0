/** Milliseconds that only go forward. */
export type Clock = () => number;

/**
 * For trusting something for a time: never falls behind real time. A sleeping machine stops the monotonic clock, but not
 * the time of day, so what the latter gained on the former is added; that it was set forward is taken for sleep, too.
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
