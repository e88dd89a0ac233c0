import { type Aggregator, Gauge, type Registry } from 'prom-client';

/** Values that are read when Prometheus asks. */
export interface Observed {
  leaseRemainingMs: number;
  lagRevisions: number;
  /** Undefined where none are required. */
  standbys: { required: number; confirmed: number | undefined } | undefined;
  subscribers: number;
  /** Open event streams of every kind. */
  streams: number;
  /** API keys used at this gateway that expire soon. */
  expiringKeys: number;
  unusableClientFiles: number;
}

export function observeGateway(read: () => Observed, registers: Registry[]): void {
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
    'tenant_registry_sync_standbys',
    'Synchronous standbys of the registry database that confirm its changes; 0 where none are required',
    () => read().standbys?.confirmed ?? 0,
    'min',
  );
  gauge(
    'tenant_registry_sync_standbys_required',
    'REQUIRE_SYNC_STANDBYS',
    () => read().standbys?.required ?? 0,
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
}
