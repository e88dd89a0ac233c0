import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { BusyTenants } from './busy-tenants.js';
import { type Observed, observeGateway } from './gateway-gauges.js';
import { PlainCounter } from './plain-counter.js';
import { observePools, type PoolUse } from './pool-gauges.js';
import { type NumbersSource, observeRegistry } from './registry-gauges.js';
import { RequestTimes } from './request-times.js';
import type { ResolutionCounts } from './resolution-counts.js';

/** Counters as functions of plain values; no label holds a URL or anything a client sends, and none a tenant without METRICS_TENANTS. */
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
  /** Counts of resolutions, which the hot path adds to directly. */
  resolutions: ResolutionCounts;
  /** Counts a request to /graphql. `kind` is that of its operation, or "none"; `code` that of its first error, or "OK". */
  graphqlAnswered(kind: string, code: string): void;
  /** Counts refusals by a limit; with 0 it only makes the label known. */
  rateLimited(limit: string, count?: number): void;
  /** How long a change has waited until no gateway answered from before it. */
  acknowledged(seconds: number): void;
  operationEnded(operation: { kind: string; status: string; seconds: number }): void;
  /** Registers what is read each time Prometheus asks. */
  observe(read: () => Observed): void;
  observeRegistry(source: NumbersSource): void;
  observePools(read: () => PoolUse[]): void;
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

/** Metrics of Node.js that are gauges with names of counters. */
const misnamed = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

/** @param options.tenants how many tenants get a metric of their own; undefined: none */
export function createMetrics({ tenants }: { tenants?: number | undefined } = {}): Metrics {
  const registers = [new Registry()];
  const [register] = registers as [Registry];
  collectDefaultMetrics({ register });
  for (const name of misnamed) register.removeSingleMetric(name);
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

  const graphqlOperations = new PlainCounter({
    name: 'tenant_registry_graphql_operations_total',
    help: 'Requests to /graphql by the kind of their operation and the code of their first error',
    labelNames: ['kind', 'code'],
    registers,
  });
  const resolutions = new PlainCounter({
    name: 'tenant_registry_resolutions_total',
    help: 'Resolved routes and refusals, by module; "unknown" counts modules that do not exist and requests without an answer',
    labelNames: ['module', 'outcome'],
    registers,
  });
  const rateLimits = new Counter({
    name: 'tenant_registry_rate_limited_total',
    help: 'Refusals with RATE_LIMITED, by limit',
    labelNames: ['limit'],
    registers,
  });
  const acknowledgements = new Histogram({
    name: 'tenant_registry_acknowledgement_wait_seconds',
    help: 'Time from the commit of a change until no gateway answers from before it',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const operationTimes = new Histogram({
    name: 'tenant_registry_operation_duration_seconds',
    help: 'Time from the first start of an operation to its end, by kind and how it ended; of operations that this process ended',
    labelNames: ['kind', 'status'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200],
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
    observe: (read) => observeGateway(read, registers),
    observeRegistry: (source) => observeRegistry(source, registers),
    observePools: (read) => observePools(read, registers),
    resolutions: {
      of: (module, outcome) => resolutions.of(module ?? 'unknown', outcome),
      tenants: tenants === undefined ? undefined : new BusyTenants(tenants, registers),
    },
    graphqlAnswered(kind, code) {
      graphqlOperations.of(kind, code).n++;
    },
    rateLimited: (limit, count = 1) => rateLimits.inc({ limit }, count),
    acknowledged: (seconds) => acknowledgements.observe(seconds),
    operationEnded: ({ kind, status, seconds }) => operationTimes.observe({ kind, status }, seconds),
    async text() {
      return { contentType: register.contentType, body: await register.metrics() };
    },
    snapshot: () => register.getMetricsAsJSON(),
  };
}
