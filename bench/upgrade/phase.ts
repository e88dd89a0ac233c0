/** What was done in a phase of a replacement. */
export interface PhaseTally {
  done: number;
  failed: Record<string, number>;
  slowestMs: number;
}

/** The problems of a phase: whatever failed, and every kind of work that was not done at all. */
export function problemsOfPhase(tallies: Readonly<Record<string, PhaseTally>>): string[] {
  return Object.entries(tallies).flatMap(([kind, { done, failed }]) => [
    ...Object.entries(failed).map(([what, count]) => `${kind}: ${count} times ${what}`),
    ...(done === 0 ? [`${kind}: none succeeded`] : []),
  ]);
}
