import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { interrupt, type Recording, record } from '../../interruption/interrupt.js';
import {
  openProvisioningEnvironment,
  type ProvisioningEnvironment,
} from '../../interruption/provisioning-environment.js';
import { scenarios } from '../../interruption/scenarios.js';
import { findBuildings } from '../../interruption/tenant-state.js';
import { openVictims, type Victims } from '../../interruption/victim-processes.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** One server for the registry and one for each service database; each service database holds two modules. */
let servers: PostgresServer[];
let environment: ProvisioningEnvironment;
let victims: Victims;
beforeAll(async () => {
  servers = await Promise.all([openPostgresServer(), openPostgresServer(), openPostgresServer()]);
  for (const server of servers) await server.query('CREATE DATABASE tenants');
  const [registry = '', one = '', two = ''] = servers.map((server) => server.url('tenants'));
  await migrateRegistry(registry);
  environment = await openProvisioningEnvironment({ registry, one, two });
  victims = openVictims(environment.env);
});
afterAll(async () => {
  await victims?.[Symbol.asyncDispose]();
  await environment?.[Symbol.asyncDispose]();
  for (const server of servers) await server.close();
});

const chosen = scenarios.filter(({ name }) => ['provision', 'suspend', 'remove'].includes(name));

test.each(chosen.map((scenario) => ({ scenario, title: `${scenario.name} ${scenario.isolation}` })))(
  'on three servers: $title, completed and killed just after the second server was changed',
  async ({ scenario }) => {
    const recording = await record(environment, victims, scenario);
    const at = lastOutside(recording);
    const { problems } = await interrupt(environment, victims, recording, {
      at,
      moment: 'sent',
      how: 'kill',
    });
    expect(problems).toEqual([]);
    for (const server of servers) expect(await findBuildings(server.url())).toEqual([]);
  },
);

/** Number of the last statement in a service database; all others are the registry's. */
function lastOutside({ points }: Recording): number {
  const isOutside = points.map(({ sql }) => /tenant_guard|SCHEMA|DATABASE/.test(sql));
  return isOutside.lastIndexOf(true) + 1;
}
