import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { applyBinding, type BindingState } from '../../../src/provisioning/fence/binding.js';
import { drainSchema } from '../../../src/provisioning/fence/drain.js';
import { installGuard } from '../../../src/provisioning/fence/guard.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';
import { enter, guardedModule, refusalOf } from '../support/guarded-schemas.js';

/** A separate server, which can have a standby and settings that the shared server cannot have. */
let server: PostgresServer;
const acme = { id: randomUUID(), schema: 'acme', generation: 1 };
let revision = 0n;
beforeAll(async () => {
  server = await openPostgresServer();
  await server.query('ALTER SYSTEM SET max_prepared_transactions = 5');
  await server.stop();
  await server.start();
  const registry = await connect(server);
  await installGuard(registry);
  await registry.query('CREATE SCHEMA acme; CREATE TABLE acme.invoice (title text)');
  await registry.end();
  await bind('active');
});
afterAll(() => server?.close());

async function connect(to: PostgresServer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: to.url() });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function visit(to: PostgresServer): Promise<pg.Client> {
  const client = await connect(to);
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

async function bind(state: BindingState): Promise<void> {
  const registry = await connect(server);
  const owner = { tenantId: acme.id, module: guardedModule };
  const told = { generation: acme.generation, state, epoch: 'one', revision: ++revision, began: 0n };
  await applyBinding(registry, { schemaName: acme.schema, owner }, async () => told);
  await registry.end();
}

test('a prepared transaction, which runs no statement any more, delays a suspension no longer than the deadline', async () => {
  const service = await visit(server);
  await service.query('BEGIN');
  await enter(service, acme);
  await service.query(`INSERT INTO invoice VALUES ('prepared')`);
  await service.query(`PREPARE TRANSACTION 'left behind'`);
  await bind('suspended');
  expect(await drainSchema(await visit(server), acme.schema, { deadlineMs: 300 })).toBe(0);
  await service.query(`COMMIT PREPARED 'left behind'`);
  await bind('active');
});

test('a session that a crash of the server ended holds no lock after it, and the bindings are unchanged', async () => {
  const service = await visit(server);
  await service.query('BEGIN');
  await enter(service, acme);
  await bind('suspended');
  await server.stop('immediate');
  await server.start();
  expect(await drainSchema(await visit(server), acme.schema, { deadlineMs: 0 })).toBe(0);
  expect(await refusalOf(enter(await visit(server), acme))).toBe('TR002 TENANT_SUSPENDED');
  await bind('active');
});

test('a standby, which replays a suspension late, refuses every session until it is the primary', async () => {
  await using standby = await server.openStandby();
  const service = await visit(standby);
  expect(await refusalOf(enter(service, acme))).toBe('TR005 REGISTRY_UNAVAILABLE');
  await service.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  expect(await refusalOf(enter(service, acme))).toBe('TR005 REGISTRY_UNAVAILABLE');
  await service.query('ROLLBACK');
  await standby.promote();
  expect(await refusalOf(enter(service, acme))).toBe('none');
});
