import { Counter, Gauge, type Registry } from 'prom-client';

/** How the connections of one pool are used. */
export interface PoolUse {
  /** "registry", or the variable of a service database. */
  database: string;
  /** What the connections are for. */
  pool: string;
  busy: number;
  idle: number;
  /** Works that wait for a connection now, and that have had to wait so far. */
  waiting: number;
  waits: number;
}

export function observePools(read: () => PoolUse[], registers: Registry[]): void {
  new Gauge({
    name: 'tenant_registry_pool_connections',
    help: 'Open connections to databases',
    labelNames: ['database', 'pool', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { database, pool, busy, idle } of read()) {
        this.inc({ database, pool, state: 'busy' }, busy);
        this.inc({ database, pool, state: 'idle' }, idle);
      }
    },
  });
  new Gauge({
    name: 'tenant_registry_pool_waiting',
    help: 'Works that wait for a connection to a database',
    labelNames: ['database', 'pool'],
    registers,
    collect() {
      this.reset();
      for (const { database, pool, waiting } of read()) this.inc({ database, pool }, waiting);
    },
  });
  new Counter({
    name: 'tenant_registry_pool_waits_total',
    help: 'Works that had to wait for a connection to a database',
    labelNames: ['database', 'pool'],
    registers,
    collect() {
      this.reset();
      for (const { database, pool, waits } of read()) this.inc({ database, pool }, waits);
    },
  });
}
