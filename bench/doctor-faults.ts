import { randomInt } from 'node:crypto';
import { openApp } from '../src/app.js';
import { developer } from '../src/auth/caller.js';
import { readConfig } from '../src/config.js';
import { openLog } from '../src/log.js';
import { diagnose } from '../src/provisioning/doctor/doctor.js';
import { installGuard } from '../src/provisioning/fence/guard.js';
import { connect, createBulkStorages } from '../test/provisioning/support/many-storages.js';
import { keysOf, seedFaults } from '../test/provisioning/support/seed-faults.js';
import { openPostgresServer } from '../test/setup/postgres-server.js';

/**
 * `npx tsx bench/doctor-faults.ts [tenants] [faults] [seed]`: creates two storages per tenant in one database, seeds random
 * faults, and reports how many of them doctor misses, how many findings it invents, and how long it takes. Defaults: 2,500
 * tenants and 300 faults.
 */
const [tenants = 2_500, faults = 300, seed = randomInt(1e9)] = process.argv.slice(2).map(Number);
const say = (line: string) => void process.stdout.write(`${line}\n`);

await using postgres = await openPostgresServer();
const names = ['finance', 'operations'];
for (const name of ['registry', 'service']) await postgres.query(`CREATE DATABASE ${name}`);
for (const role of ['stranger', ...names.flatMap((name) => [`${name}_tenants`, `${name}_access`])])
  await postgres.query(`CREATE ROLE ${role}`);
const url = postgres.url('service');
const env = { FINANCE_DB_URL: url, OPERATIONS_DB_URL: url, INVENTORY_DB_URL: url, DBTOOLS_DB_URL: url };
const config = readConfig({ DATABASE_URL: postgres.url('registry'), ...env });
const app = await openApp(config, openLog('error'), { exclusive: false });
try {
  const client = await connect(url);
  for (const name of names) await installGuard(client, `${name}_access`);
  await client.end();
  const modules = names.map((name) => ({
    ...{ name, url, role: `${name}_tenants`, access: `${name}_access` },
  }));
  const registryUrl = postgres.url('registry');
  const { modulesDir } = config;
  const storages = await createBulkStorages({ registryUrl, modulesDir, modules, tenants, slugs: 'bulk-' });
  say(`${storages.length} schemas, seed ${seed}`);

  const clean = await look();
  const harmless = Math.ceil(faults / 5);
  const given = { seed, registryUrl, modules, storages, faults, harmless, stranger: 'stranger' };
  const expected = await seedFaults(given);
  const found = await look();
  const reported = keysOf(found, storages);
  const missed = expected.filter((one) => !reported.includes(one));
  const invented = [
    ...clean.map(({ problem }) => problem),
    ...reported.filter((one) => !expected.includes(one)),
  ];
  for (const one of missed) say(`missed: ${one}`);
  for (const one of invented) say(`invented: ${one}`);
  say(
    `${expected.length} faults: ${missed.length} missed, ${invented.length} invented, ${reported.length} reported`,
  );
  process.exitCode =
    missed.length + invented.length + Math.abs(reported.length - expected.length) > 0 ? 1 : 0;
} finally {
  await app.close();
}

async function look() {
  const startedAt = performance.now();
  const { findings } = await diagnose(app.commandsFor(developer));
  say(`doctor took ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${findings.length} findings`);
  return findings;
}
