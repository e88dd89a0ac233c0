/** Statuses of all nouns by the color that says how they stand. */
const tones: Record<string, string> = {
  ...{ ACTIVE: 'good', SUCCEEDED: 'good', REPAIRED: 'good', ACCEPTED: 'good' },
  ...{ PENDING: 'busy', PROVISIONING: 'busy', QUEUED: 'busy', RUNNING: 'busy', MIGRATING: 'busy' },
  ...{ COMPENSATING: 'busy', DEPROVISIONING: 'busy', INVITED: 'busy' },
  ...{ SUSPENDED: 'warning', PAUSED: 'warning', BLOCKED: 'warning', WARNING: 'warning', OPEN: 'warning' },
  ...{ FAILED: 'bad', NEEDS_ATTENTION: 'bad', ERROR: 'bad', EXPIRED: 'bad', REVOKED: 'bad' },
};

/** A status as text, with a color that repeats it. */
export function StatusBadge({ status }: { status: string }) {
  return <span className={`status status-${tones[status] ?? 'quiet'}`}>{statusText(status)}</span>;
}

/** "NEEDS_ATTENTION" as "needs attention". */
export function statusText(status: string): string {
  return status.toLowerCase().replaceAll('_', ' ');
}
