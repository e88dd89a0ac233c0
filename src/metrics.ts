import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';

/** Values that are read when Prometheus asks. */
interface Observed {
  leaseRemainingMs: number;
  lagRevisions: number;
  subscribers: number;
  /** Open event streams of every kind. */
  streams: number;
  /** API keys used at this gateway that expire soon. */
  expiringKeys: number;
  unusableClientFiles: number;
}

/** Counters as functions of plain values; no label ever holds a tenant, a URL or anything a client sends. */
export interface Metrics {
  lookedUp(tier: string, found: { hits: number; misses: number }): void;
  resynced(): void;
  breakerChanged(isOpen: boolean): void;
  /** Counts queries that were cancelled at their deadline. */
  queryCancelled(): void;
  /** Counts requests whose credentials identified nobody. `reason` is one of a few fixed words. */
  authenticationFailed(reason: string, count?: number): void;
  /** Counts requests that were refused because the event loop does not keep up. */
  shed(): void;
  sheddingChanged(isActive: boolean): void;
  answered(request: { path: string; status: number; seconds: number }): void;
  /** Registers what is read each time Prometheus asks. */
  observe(read: () => Observed): void;
  text(): Promise<MetricsText>;
  /** The metrics of this process, for another process that combines them. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** In Prometheus' text format. */
export interface MetricsText {
  contentType: string;
  body: string;
}

/** Plain data: a message between processes can carry it. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  collectDefaultMetrics({ register });
  const lookups = new Map<string, { hits: number; misses: number }>();
  new Counter({
    name: 'tenant_registry_cache_hits_total',
    help: 'Keys that a tier answered; tier "database" counts loads from PostgreSQL',
    labelNames: ['tier'],
    registers,
    collect() {
      this.reset();
      for (const [tier, found] of lookups) this.inc({ tier }, found.hits);
    },
  });
  new Counter({
    name: 'tenant_registry_cache_misses_total',
    help: 'Keys that a tier had no usable answer for',
    labelNames: ['tier'],
    registers,
    collect() {
      this.reset();
      for (const [tier, found] of lookups) this.inc({ tier }, found.misses);
    },
  });
  const resyncs = new Counter({
    name: 'tenant_registry_feed_resyncs_total',
    help: 'How often everything known was dropped: another history, a gap, a head that went back',
    registers,
  });
  const cancelledQueries = new Counter({
    name: 'tenant_registry_cancelled_queries_total',
    help: 'Queries that were cancelled after QUERY_TIMEOUT_MS',
    registers,
  });
  const authenticationFailures = new Counter({
    name: 'tenant_registry_authentication_failures_total',
    help: 'Requests refused with UNAUTHENTICATED, by reason',
    labelNames: ['reason'],
    registers,
  });
  const breaker = new Gauge({
    name: 'tenant_registry_redis_breaker_open',
    help: '1 while Redis is left alone because it failed',
    aggregator: 'max',
    registers,
  });
  const shedRequests = new Counter({
    name: 'tenant_registry_shed_requests_total',
    help: 'Requests refused because the event loop does not keep up (SHED_DELAY_MS)',
    registers,
  });
  const shedding = new Gauge({
    name: 'tenant_registry_shedding',
    help: '1 while requests are refused because the event loop does not keep up',
    aggregator: 'max',
    registers,
  });
  const requests = new RequestTimes({
    name: 'tenant_registry_http_request_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['path', 'status'],
    registers,
  });

  return {
    lookedUp(tier, found) {
      const counted = lookups.get(tier);
      if (!counted) return void lookups.set(tier, { ...found });
      counted.hits += found.hits;
      counted.misses += found.misses;
    },
    resynced: () => resyncs.inc(),
    queryCancelled: () => cancelledQueries.inc(),
    authenticationFailed: (reason, count = 1) => authenticationFailures.inc({ reason }, count),
    breakerChanged: (isOpen) => breaker.set(isOpen ? 1 : 0),
    shed: () => shedRequests.inc(),
    sheddingChanged: (isActive) => shedding.set(isActive ? 1 : 0),
    answered: ({ path, status, seconds }) => requests.count(path, status, seconds),
    observe(read) {
      const gauge = (name: string, help: string, value: () => number, aggregator: Aggregator = 'sum') =>
        new Gauge({
          name,
          help,
          registers,
          aggregator,
          collect() {
            this.set(value());
          },
        });
      gauge(
        'tenant_registry_lease_remaining_seconds',
        'Time for which cached answers may still be given',
        () => read().leaseRemainingMs / 1000,
        'min',
      );
      gauge(
        'tenant_registry_feed_lag_revisions',
        'Revisions between the head and what was known, at the last poll',
        () => read().lagRevisions,
        'max',
      );
      gauge(
        'tenant_registry_expiring_api_keys',
        'API keys used at this gateway that expire within 14 days',
        () => read().expiringKeys,
        'max',
      );
      gauge('tenant_registry_subscribers', 'Open routesChanged subscriptions', () => read().subscribers);
      gauge('tenant_registry_streams', 'Open event streams', () => read().streams);
      gauge(
        'tenant_registry_unusable_client_files',
        'client.yaml files in CLIENTS_DIR with a mistake; what was good before is served',
        () => read().unusableClientFiles,
        'max',
      );
    },
    async text() {
      return { contentType: register.contentType, body: await register.metrics() };
    },
    snapshot: () => register.getMetricsAsJSON(),
  };
}

/**
 * The metrics of several processes as one. What a process that has ended had counted stays in the sums, because a counter that
 * goes down would look like a restart of all.
 */
export class CombinedMetrics {
  readonly #newest = new Map<number, MetricsSnapshot>();
  #ended: MetricsSnapshot = [];

  record(pid: number, snapshot: MetricsSnapshot): void {
    this.#newest.set(pid, snapshot);
  }

  end(pid: number): void {
    const counted = (this.#newest.get(pid) ?? []).filter(({ type }) =>
      ['counter', 'histogram'].includes(String(type)),
    );
    this.#newest.delete(pid);
    // prom-client's type of this list leaves out the values that it has.
    this.#ended = AggregatorRegistry.aggregate([this.#ended, counted]).getMetricsAsArray() as MetricsSnapshot;
  }

  async text(): Promise<MetricsText> {
    const all = AggregatorRegistry.aggregate([...this.#newest.values(), this.#ended]);
    return { contentType: all.contentType, body: await all.metrics() };
  }
}

/** Upper bounds in seconds. */
const requestBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

interface Times {
  path: string;
  status: number;
  /** Number of requests up to each bound and above the one before; the last: above all bounds. */
  counts: number[];
  sum: number;
}

/** A histogram that finds its labels by two plain keys: prom-client's own makes a text of them for each request. */
class RequestTimes extends Histogram<'path' | 'status'> {
  readonly #times = new Map<string, Map<number, Times>>();
  readonly #name: string;
  readonly #help: string;

  constructor(options: {
    name: string;
    help: string;
    labelNames: ('path' | 'status')[];
    registers: Registry[];
  }) {
    super({ ...options, buckets: requestBuckets });
    this.#name = options.name;
    this.#help = options.help;
  }

  count(path: string, status: number, seconds: number): void {
    const times = this.#timesOf(path, status);
    let at = 0;
    while (at < requestBuckets.length && seconds > (requestBuckets[at] as number)) at++;
    times.counts[at] = (times.counts[at] as number) + 1;
    times.sum += seconds;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<'path' | 'status'>>> {
    const all = [...this.#times.values()].flatMap((byStatus) => [...byStatus.values()]);
    const values = all.flatMap((times) => this.#valuesOf(times));
    // prom-client's types have a number for the kind of a metric, and its registry writes a word.
    const type = 'histogram' as unknown as MetricObjectWithValues<MetricValue<string>>['type'];
    return { name: this.#name, help: this.#help, type, aggregator: 'sum', values, collect: () => undefined };
  }

  getForPromString() {
    return this.get();
  }

  #timesOf(path: string, status: number): Times {
    const byStatus = this.#times.get(path) ?? new Map<number, Times>();
    this.#times.set(path, byStatus);
    const known = byStatus.get(status);
    if (known) return known;
    const times = { path, status, counts: new Array<number>(requestBuckets.length + 1).fill(0), sum: 0 };
    byStatus.set(status, times);
    return times;
  }

  #valuesOf({ path, status, counts, sum }: Times) {
    let below = 0;
    const buckets = [...requestBuckets, '+Inf'].map((le, at) => {
      below += counts[at] as number;
      return { metricName: `${this.#name}_bucket`, labels: { le, path, status }, value: below };
    });
    const labels = { path, status };
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: below },
    ];
  }
}
