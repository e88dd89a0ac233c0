import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { build } from '../../../bin/build.js';
import { waitFor } from '../../provisioning/support/blocked-migration.js';
import { listSchemas } from '../../provisioning/support/catalog.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { resolve } from '../../setup/graphql-calls.js';
import {
  actions,
  type LegacyRow,
  legacyRegistry,
  legacySchema,
  revisionOf,
  takeOver,
} from '../support/legacy-story.js';

// Each test starts the command in separate processes.
vi.setConfig({ testTimeout: 180_000 });

let gateway: TestGateway;
let rows: LegacyRow[];
beforeEach(async () => {
  gateway = await openGateway();
  rows = Array.from({ length: 30 }, (_, index) => ({
    id: randomUUID(),
    slug: `shop-${index}`,
    modules: ['finance'],
  }));
  const schemas = rows.map(({ slug }) => legacySchema(`finance_${slug.replaceAll('-', '_')}`));
  await gateway.psqlIn('finance', schemas.join('') + legacyRegistry(rows));
});
afterEach(() => gateway.close());

function startImport(): ChildProcess {
  if (!build(['server'])) throw new Error('the server does not compile');
  const child = spawn(process.execPath, ['dist/bundle/main.js', 'import', 'databases'], {
    cwd: new URL('../../..', import.meta.url).pathname,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: gateway.registry.url,
      FINANCE_DB_URL: gateway.serviceUrl('finance'),
    },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Holds the locks of these statements until the returned function is called. */
async function hold(url: string, ...statements: string[]): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  for (const statement of statements) await client.query(statement);
  return () => client.end();
}

async function isWaiting(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  await client.end();
  return (rowCount ?? 0) > 0;
}

/** Ages the heartbeats, so that killed processes count as ended. */
async function expireHeartbeats(): Promise<void> {
  await gateway.psql(
    `UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE status = 'running'`,
  );
}

async function expectAllTenants(): Promise<void> {
  const tenants = await gateway.psql<LegacyRow>('SELECT id, slug FROM tenants');
  expect(new Map(tenants.map(({ id, slug }) => [slug, id]))).toEqual(
    new Map(rows.map(({ id, slug }) => [slug, id])),
  );
  for (const { id, slug } of rows)
    expect(await resolve(gateway, id)).toBe(`finance_${slug.replaceAll('-', '_')}`);
  const revision = await revisionOf(gateway);
  expect(new Set((await takeOver(gateway)).entries.map(({ action }) => action))).toEqual(
    new Set(['unchanged']),
  );
  expect(await revisionOf(gateway)).toBe(revision);
}

const lockByName = (name: string) => `SELECT pg_advisory_xact_lock(hashtextextended('${name}', 0))`;

test.each([
  [
    'after the old table was renamed and before the first tenant is registered',
    'registry',
    () => lockByName('tenant-registry/storage-names'),
  ],
  [
    'after a tenant was registered and before its schema is adopted',
    'finance',
    (database: string) => lockByName(`tenant-registry/SCHEMA/${database}/finance_shop_7`),
  ],
  ['before a route becomes visible', 'registry', () => 'LOCK TABLE operation_steps IN SHARE MODE'],
])(
  'an import killed %s leaves nothing half done, and the next run completes it',
  async (_when, locked, statement) => {
    const url = locked === 'registry' ? gateway.registry.url : gateway.serviceUrl('finance');
    const database = new URL(gateway.serviceUrl('finance')).pathname.slice(1);
    const release = await hold(url, statement(database));
    const child = startImport();
    await waitFor(() => isWaiting(url));
    await kill(child);
    await release();
    expect(await gateway.psqlIn('finance', 'SELECT FROM tenant_registry_before_registry')).toHaveLength(30);
    for (const { id } of rows)
      expect(await resolve(gateway, id)).toMatch(/^(TENANT_NOT_FOUND|TENANT_NOT_READY|finance_.*)$/);
    await expireHeartbeats();
    const report = await takeOver(gateway);
    expect(actions(report).every((line) => /: (register|subscribe|unchanged)$/.test(line))).toBe(true);
    await expectAllTenants();
  },
);

test('an import that is killed at random moments ends with exactly the expected tenants', async () => {
  const before = await listSchemas(gateway.serviceUrl('finance'));
  for (let time = 0; time < 4; time++) {
    const child = startImport();
    // Kills it at a random moment after it has begun to adopt storage.
    await waitFor(async () => {
      const started = await gateway.psql(`SELECT FROM operations WHERE kind = 'adopt_storage'`);
      return child.exitCode !== null || started.length > time * 6;
    });
    await delay(Math.random() * 60);
    await kill(child);
    await expireHeartbeats();
  }
  await takeOver(gateway);
  await expectAllTenants();
  expect(await listSchemas(gateway.serviceUrl('finance'))).toEqual(before);
});
