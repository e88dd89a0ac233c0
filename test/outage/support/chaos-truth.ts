/** The states of the registry according to its change log, and the check of answers against them. */

/**
 * One answer of a gateway or of a service's client package, with times of day in milliseconds like those of the log.
 */
export interface Answered {
  /** "route/<tenant id>" or "config/<tenant id>" */
  subject: string;
  value: string;
  /** The revision of the answer, if it has one. */
  asOf?: number | undefined;
  /** The requested minimum revision. */
  token?: number | undefined;
  startedAt: number;
  endedAt: number;
  /** The gateway that answered, for the report. */
  gateway: string;
  /** True for an answer of the client package in a service, which may come from its cache. */
  service?: { name: string; reference: string };
}

/** An answered mutation: from then on no answer may be from before it. */
export interface Acknowledged {
  tenantId: string;
  revision: number;
  at: number;
  /** True when that also holds for the caches of services. */
  isEverywhere: boolean;
}

export interface LogRow {
  revision: number;
  tenantId: string | null;
  kind: string;
  after: Record<string, unknown> | null;
  changedAt: number;
}

interface Segment {
  value: string;
  from: number;
  /** The revision that ended the state; Infinity for the current state. */
  to: number;
  /** The state did not begin before this moment. */
  begunAfter: number;
  /** The state had ended before this moment. */
  endedBefore: number;
}

export interface Violation {
  rule:
    | 'unknown value'
    | 'other value at its revision'
    | 'too old'
    | 'older than its token'
    | 'older than what its client had told before'
    | 'stale after ack';
  answered: Answered;
}

interface Facts {
  status: string;
  reason: string | null;
  subscription: string | null;
  schema: string;
  config: string;
}

/** Tolerance of the clocks: the log has microseconds, clients have whole milliseconds. */
const toleranceMs = 5;

/** The query whose rows `readTruth` reads. */
export const logSql = `
  SELECT revision::int AS revision, tenant_id AS "tenantId", kind, after,
    extract(epoch FROM changed_at)::float8 * 1000 AS "changedAt"
  FROM registry_change ORDER BY revision, position`;

/** The text of a right value; clients build the same text from their answers. */
export const route = (schemaName: string) => `route:${schemaName}`;
export const suspended = (reason: string | null) => `TENANT_SUSPENDED:${reason ?? 'no reason given'}`;

/** A refusal repeats nothing of a tenant that the caller's module has no subscription of. */
export const suspendedWithoutSubscription = 'TENANT_SUSPENDED';

export class Truth {
  readonly #segments = new Map<string, Segment[]>();

  constructor(log: readonly LogRow[], acknowledged: readonly Acknowledged[]) {
    // The head row is locked until the end of a commit, so the next change, and the answer to it, came later.
    const committedBefore = new Map<number, number>();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const { revision, changedAt } of [...log].reverse()) {
      if (!committedBefore.has(revision)) committedBefore.set(revision, nextAt);
      nextAt = changedAt;
    }
    for (const { revision, at } of acknowledged)
      committedBefore.set(revision, Math.min(at, committedBefore.get(revision) ?? at));

    const facts = new Map<string, Facts>();
    for (const row of log) {
      if (row.tenantId === null) continue;
      const known = facts.get(row.tenantId) ?? unborn();
      const now = apply(known, row);
      facts.set(row.tenantId, now);
      const ended = committedBefore.get(row.revision) ?? Number.POSITIVE_INFINITY;
      this.#extend(`route/${row.tenantId}`, routeValue(now), row, ended);
      this.#extend(`config/${row.tenantId}`, now.config, row, ended);
    }
  }

  #extend(subject: string, value: string, { revision, changedAt }: LogRow, committedBefore: number): void {
    const segments = this.#segments.get(subject) ?? [
      { ...forever, value: subject.startsWith('route/') ? 'TENANT_NOT_FOUND' : '{}' },
    ];
    this.#segments.set(subject, segments);
    const last = segments.at(-1);
    if (!last || last.value === value) return;
    // Several entries of one revision form one state.
    if (last.from === revision) {
      last.value = value;
      return;
    }
    last.to = revision;
    last.endedBefore = committedBefore;
    segments.push({ ...forever, value, from: revision, begunAfter: changedAt });
  }

  /**
   * Returns undefined when the answer is right. `acknowledged` and `seen` are revisions that every process, or the
   * answering one, must have known before the request.
   */
  check(answered: Answered, options: Judging): Violation | undefined {
    const { value, asOf, token = 0 } = answered;
    const segments = this.#segmentsOf(answered);
    const wrong = (rule: Violation['rule']) => ({ rule, answered });
    let candidates = segments.filter((segment) => segment.value === value);
    if (candidates.length === 0) return wrong('unknown value');
    if (asOf !== undefined) {
      candidates = candidates.filter(({ from, to }) => from <= asOf && asOf < to);
      if (candidates.length === 0) return wrong('other value at its revision');
      if (asOf < token) return wrong('older than its token');
    }
    candidates = candidates.filter((segment) => isInTime(segment, answered, options.stalenessMs));
    if (candidates.length === 0) return wrong('too old');
    candidates = candidates.filter(({ to }) => to > token);
    if (candidates.length === 0) return wrong('older than its token');
    if (!candidates.some(({ to }) => to > options.acknowledged)) return wrong('stale after ack');
    const { seen = 0 } = options;
    if (!candidates.some(({ to }) => to > seen)) return wrong('older than what its client had told before');
    return undefined;
  }

  /** The oldest revision that the answering process must have known. */
  knownBy(answered: Answered, stalenessMs: number): number {
    const { value, asOf = Number.NaN } = answered;
    const fitting = this.#segmentsOf(answered).find(
      (segment) =>
        segment.value === value &&
        !(asOf < segment.from || asOf >= segment.to) &&
        isInTime(segment, answered, stalenessMs),
    );
    return fitting?.from ?? 0;
  }

  #segmentsOf({ subject }: Answered): readonly Segment[] {
    return this.#segments.get(subject) ?? [{ ...forever, value: 'TENANT_NOT_FOUND' }];
  }

  /** The states of the tenant, for the analysis of a violation. */
  historyOf(subject: string): readonly Segment[] {
    return this.#segments.get(subject) ?? [];
  }
}

interface Judging {
  stalenessMs: number;
  acknowledged: number;
  seen?: number;
}

function isInTime(
  { begunAfter, endedBefore }: Segment,
  { startedAt, endedAt }: Answered,
  stalenessMs: number,
): boolean {
  return begunAfter <= endedAt + toleranceMs && endedBefore > startedAt - stalenessMs - toleranceMs;
}

const forever = {
  from: 0,
  to: Number.POSITIVE_INFINITY,
  begunAfter: Number.NEGATIVE_INFINITY,
  endedBefore: Number.POSITIVE_INFINITY,
};

function unborn(): Facts {
  return { status: 'unborn', reason: null, subscription: null, schema: '', config: '{}' };
}

function apply(facts: Facts, { kind, after }: LogRow): Facts {
  const now = { ...facts };
  if (kind.startsWith('tenant.')) {
    if (typeof after?.status === 'string') now.status = after.status;
    if (after && 'suspended_reason' in after) now.reason = after.suspended_reason as string | null;
    if (after?.tenant_config) now.config = JSON.stringify(after.tenant_config);
  }
  if (kind.startsWith('subscription.')) {
    if (typeof after?.status === 'string') now.subscription = after.status;
    if (typeof after?.schema_name === 'string') now.schema = after.schema_name;
  }
  return now;
}

function routeValue({ status, reason, subscription, schema }: Facts): string {
  if (status === 'unborn') return 'TENANT_NOT_FOUND';
  if (status === 'suspended') return subscription === null ? suspendedWithoutSubscription : suspended(reason);
  if (status === 'deleted') return 'TENANT_DELETED';
  if (subscription === null || subscription === 'cancelled') return 'MODULE_NOT_SUBSCRIBED';
  if (subscription === 'suspended') return 'SUBSCRIPTION_SUSPENDED';
  if (subscription !== 'active') return 'TENANT_NOT_READY';
  return route(schema);
}
