import { Gauge, type Registry } from 'prom-client';

/** Numbers that the registry knows, as they were read last. */
export interface RegistryNumbers {
  tenants: { status: string; count: number }[];
  subscriptions: { module: string; status: string; count: number }[];
  /** Operations that have not ended. */
  operations: { kind: string; status: string; count: number }[];
  /** Operations that could start now. */
  queue: { depth: number; oldestSeconds: number };
  /** Rollouts that are running or paused. */
  rollouts: { module: string; status: string }[];
  /** Tenants of these rollouts. */
  rolloutTenants: { module: string; status: string; count: number }[];
  /** Open findings of the last comparison. */
  drift: { code: string; severity: string; count: number }[];
  /** Time since a comparison last ended; null before the first. */
  driftScanSeconds: number | null;
  modules: { module: string; isReady: boolean }[];
}

/** Where the numbers come from. */
export interface NumbersSource {
  /**
   * The newest numbers, undefined while there are none or only old ones, and the time since they could be read last, or since the
   * start. It waits a little for a read that is due.
   */
  read(): Promise<{ numbers: RegistryNumbers | undefined; ageSeconds: number }>;
}

interface Row {
  labels: Record<string, string>;
  value: number;
}

interface Shown {
  name: string;
  help: string;
  labelNames: string[];
  rows: (numbers: RegistryNumbers) => Row[];
}

const counted = <T extends { count: number }>(list: readonly T[]): Row[] =>
  list.map(({ count, ...labels }) => ({ labels: labels as unknown as Record<string, string>, value: count }));

const shown: readonly Shown[] = [
  {
    name: 'tenant_registry_tenants',
    help: 'Tenants by status',
    labelNames: ['status'],
    rows: ({ tenants }) => counted(tenants),
  },
  {
    name: 'tenant_registry_subscriptions',
    help: 'Subscriptions of tenants to modules by status',
    labelNames: ['module', 'status'],
    rows: ({ subscriptions }) => counted(subscriptions),
  },
  {
    name: 'tenant_registry_operations',
    help: 'Operations that have not ended, by kind and status; at most 10,000 of a status are counted',
    labelNames: ['kind', 'status'],
    rows: ({ operations }) => counted(operations),
  },
  {
    name: 'tenant_registry_operation_queue_depth',
    help: 'Operations that are due and wait for a worker; at most 10,000 are counted',
    labelNames: [],
    rows: ({ queue }) => [{ labels: {}, value: queue.depth }],
  },
  {
    name: 'tenant_registry_operation_queue_age_seconds',
    help: 'Time for which the oldest due operation has waited for a worker',
    labelNames: [],
    rows: ({ queue }) => [{ labels: {}, value: queue.oldestSeconds }],
  },
  {
    name: 'tenant_registry_rollouts',
    help: 'Rollouts that are running or paused',
    labelNames: ['module', 'status'],
    rows: ({ rollouts }) => rollouts.map((labels) => ({ labels, value: 1 })),
  },
  {
    name: 'tenant_registry_rollout_tenants',
    help: 'Tenants of rollouts that are running or paused, by their result',
    labelNames: ['module', 'status'],
    rows: ({ rolloutTenants }) => counted(rolloutTenants),
  },
  {
    name: 'tenant_registry_drift_findings',
    help: 'Open differences between the registry and the service databases; at most 10,000 are counted',
    labelNames: ['code', 'severity'],
    rows: ({ drift }) => counted(drift),
  },
  {
    name: 'tenant_registry_drift_scan_age_seconds',
    help: 'Time since a comparison of all service databases last ended',
    labelNames: [],
    rows: ({ driftScanSeconds }) =>
      driftScanSeconds === null ? [] : [{ labels: {}, value: driftScanSeconds }],
  },
  {
    name: 'tenant_registry_module_ready',
    help: '1 when the database of the module can be used by this gateway',
    labelNames: ['module'],
    rows: ({ modules }) =>
      modules.map(({ module, isReady }) => ({ labels: { module }, value: isReady ? 1 : 0 })),
  },
];

/** Registers the numbers. One read serves all gauges of a scrape. */
export function observeRegistry(source: NumbersSource, registers: Registry[]): void {
  for (const { name, help, labelNames, rows } of shown)
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      aggregator: 'max',
      async collect() {
        const { numbers } = await source.read();
        this.reset();
        // A reset leaves 0 in a gauge without labels, which would pass for a number that was read.
        if (labelNames.length === 0) this.remove();
        for (const { labels, value } of numbers ? rows(numbers) : []) this.set(labels, value);
      },
    });
  new Gauge({
    name: 'tenant_registry_numbers_age_seconds',
    help: 'Time since the numbers of the registry were read (tenants, operations, rollouts, drift), or since the start',
    registers,
    aggregator: 'max',
    async collect() {
      this.set((await source.read()).ageSeconds);
    },
  });
}
