import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What is looked at when Prometheus asks. */
interface Observed {
  leaseRemainingMs: number;
  lagRevisions: number;
  subscribers: number;
  unusableClientFiles: number;
}

/** What is counted. Functions of plain values; no label ever holds a tenant, a URL or anything a client sends. */
export interface Metrics {
  lookedUp(tier: string, found: { hits: number; misses: number }): void;
  resynced(): void;
  breakerChanged(isOpen: boolean): void;
  answered(request: { path: string; status: number; seconds: number }): void;
  /** What is asked when Prometheus asks. */
  observe(read: () => Observed): void;
  /** In Prometheus' text format. */
  text(): Promise<{ contentType: string; body: string }>;
}

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  collectDefaultMetrics({ register });
  const hits = new Counter({
    name: 'tenant_registry_cache_hits_total',
    help: 'Keys that a tier answered; tier "database" counts loads from PostgreSQL',
    labelNames: ['tier'],
    registers,
  });
  const misses = new Counter({
    name: 'tenant_registry_cache_misses_total',
    help: 'Keys that a tier had no usable answer for',
    labelNames: ['tier'],
    registers,
  });
  const resyncs = new Counter({
    name: 'tenant_registry_feed_resyncs_total',
    help: 'How often everything known was dropped: another history, a gap, a head that went back',
    registers,
  });
  const breaker = new Gauge({
    name: 'tenant_registry_redis_breaker_open',
    help: '1 while Redis is left alone because it failed',
    registers,
  });
  const requests = new Histogram({
    name: 'tenant_registry_http_request_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['path', 'status'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });

  return {
    lookedUp(tier, found) {
      hits.inc({ tier }, found.hits);
      misses.inc({ tier }, found.misses);
    },
    resynced: () => resyncs.inc(),
    breakerChanged: (isOpen) => breaker.set(isOpen ? 1 : 0),
    answered: ({ path, status, seconds }) => requests.observe({ path, status }, seconds),
    observe(read) {
      const gauge = (name: string, help: string, value: () => number) =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(value());
          },
        });
      gauge(
        'tenant_registry_lease_remaining_seconds',
        'For how long what is known may be trusted',
        () => read().leaseRemainingMs / 1000,
      );
      gauge(
        'tenant_registry_feed_lag_revisions',
        'Revisions between the head and what was known, at the last poll',
        () => read().lagRevisions,
      );
      gauge('tenant_registry_subscribers', 'Open routesChanged subscriptions', () => read().subscribers);
      gauge(
        'tenant_registry_unusable_client_files',
        'client.yaml files in CLIENTS_DIR with a mistake; what was good before is served',
        () => read().unusableClientFiles,
      );
    },
    async text() {
      return { contentType: register.contentType, body: await register.metrics() };
    },
  };
}
