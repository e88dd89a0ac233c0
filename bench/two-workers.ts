import { migrateRegistry } from '../src/database/migrations/migrate.js';
import { openProvisioningEnvironment } from '../test/interruption/provisioning-environment.js';
import { raceWorkers } from '../test/interruption/worker-race.js';
import { openPostgresServer } from '../test/setup/postgres-server.js';

/** Two worker processes, and two gateways that get the same requests at the same time: `npx tsx bench/two-workers.ts [operations]`. */
const operations = Number(process.argv[2] ?? 500);

await using server = await openPostgresServer();
for (const name of ['registry', 'one', 'two']) await server.query(`CREATE DATABASE ${name}`);
await migrateRegistry(server.url('registry'));
const environment = await openProvisioningEnvironment({
  registry: server.url('registry'),
  one: server.url('one'),
  two: server.url('two'),
});
const startedAt = performance.now();
const report = await raceWorkers(environment, Math.ceil(operations / 3));
const seconds = (performance.now() - startedAt) / 1_000;
await environment[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify({ ...report, seconds: Number(seconds.toFixed(1)) }, undefined, 2)}\n`);
const { astray, overlaps, repeated, unguarded } = report;
process.exitCode = astray.length + overlaps.length + repeated.length + unguarded === 0 ? 0 : 1;
