import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { blockingStatement, blockMigrations } from '../provisioning/support/blocked-migration.js';
import { listSchemas } from '../provisioning/support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { readTenant, resolve } from '../provisioning/support/provisioning-calls.js';
import { uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { ask, describeApi, type Failure, refusal, type TenantBody } from './support/rest-calls.js';

let testbed: GatewayWithModules;
let slug: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
    { name: 'own', migrations: contacts, isolation: 'DATABASE' },
    { name: 'down', url: 'postgres://clerk:s3cret@localhost:1/down' },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const post = <Body = TenantBody>(modules: string[], headers: Record<string, string> = {}) =>
  ask<Body>(testbed.gateway, 'POST /api/tenants', { body: { name: 'Acme', slug, modules }, headers });
const statusNow = async () => (await ask(testbed.gateway, `GET /api/tenants/${slug}`)).body.status;

async function breakModule(module: string): Promise<() => Promise<void>> {
  await testbed.write(`${module}/0003_next.sql`, brokenMigration);
  onTestFinished(() => testbed.remove(`${module}/0003_next.sql`));
  return () => testbed.write(`${module}/0003_next.sql`, correctedMigration);
}

test('a POST whose migration fails names it, leaves nothing behind, and can be repeated after the repair', async () => {
  const mend = await breakModule('beta');
  const { status, body, headers } = await post<Failure>(['alpha', 'beta']);
  expect([status, body.error.code]).toEqual([503, 'TENANT_NOT_READY']);
  expect(headers.get('retry-after')).toMatch(/^\d+$/);
  expect(body.error.message).toMatch(
    new RegExp(
      `^Tenant ${slug} could not be provisioned \\(operation [\\da-f-]{36}\\): Migration beta/0003_next.sql failed: ` +
        'broken on purpose. Correct that, then send the same request again: it uses the same names$',
    ),
  );
  expect(await statusNow()).toBe('failed');
  expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);
  const failed = await readTenant(testbed.gateway, slug);

  await mend();
  const again = await post(['alpha', 'beta']);
  expect([again.status, again.body.status]).toEqual([201, 'active']);
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
  const { subscriptions } = await readTenant(testbed.gateway, slug);
  expect(subscriptions.map(({ schemaName }) => schemaName)).toEqual(
    failed.subscriptions.map(({ schemaName }) => schemaName),
  );
  expect(again.body.id).toBe((await ask(testbed.gateway, `GET /api/tenants/${slug}`)).body.id);
});

test('an unfinished tenant database is dropped, and the next POST creates it', async () => {
  const mend = await breakModule('own');
  expect(
    await refusal(testbed.gateway, 'POST /api/tenants', { body: { name: 'A', slug, modules: ['own'] } }),
  ).toMatchObject({ status: 503, code: 'TENANT_NOT_READY' });
  const find = `SELECT datname FROM pg_database WHERE datname LIKE '%${slug}'`;
  expect(await testbed.psql('own', find)).toEqual([]);
  await mend();
  expect((await post(['own'])).status).toBe(201);
  expect(await testbed.psql('own', find)).toHaveLength(1);
});

test('a repeated Idempotency-Key returns the failure, whose message asks for a new key', async () => {
  const mend = await breakModule('beta');
  const first = await post<Failure>(['beta'], { 'idempotency-key': `a ${slug}` });
  await mend();
  const second = await post<Failure>(['beta'], { 'idempotency-key': `a ${slug}` });
  expect([first.status, second.status]).toEqual([503, 503]);
  expect(second.body).toEqual(first.body);
  expect(first.body.error.message).toContain('send it again with a new idempotency key');
  expect((await post(['beta'], { 'idempotency-key': `b ${slug}` })).status).toBe(201);
});

test('the message about an unreachable service database does not contain its password', async () => {
  const { status, body } = await post<Failure>(['alpha', 'down']);
  expect([status, body.error.code]).toEqual([503, 'TENANT_NOT_READY']);
  expect(body.error.message).toContain('ECONNREFUSED');
  expect(JSON.stringify(body)).not.toContain('s3cret');
});

test('while a tenant is provisioned, another POST and a DELETE are refused, and a repeated POST waits', async () => {
  await testbed.write('beta/0003_next.sql', blockingStatement);
  onTestFinished(() => testbed.remove('beta/0003_next.sql'));
  await using block = await blockMigrations(testbed.url('beta'));
  const answered: number[] = [];
  const headers = { 'idempotency-key': `gate ${slug}` };
  const begin = async () => {
    const answer = await post(['beta'], headers);
    answered.push(answer.status);
    return answer;
  };
  const running = begin();
  await block.untilBlocked();
  const repeated = begin();
  expect(await statusNow()).toBe('provisioning');
  expect(await refusal(testbed.gateway, `DELETE /api/tenants/${slug}`)).toMatchObject({ status: 423 });
  expect((await post<Failure>(['beta'])).body.error.code).toBe('OPERATION_IN_PROGRESS');
  expect(answered).toEqual([]);
  await block.release();
  expect((await repeated).body).toEqual((await running).body);
  expect(answered).toEqual([201, 201]);
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('an operation of a gateway that died is taken over by the repeated request', async () => {
  await using block = await blockMigrations(testbed.url('beta'));
  await testbed.write('beta/0003_next.sql', blockingStatement);
  onTestFinished(() => testbed.remove('beta/0003_next.sql'));
  const headers = { 'idempotency-key': `died ${slug}` };
  const running = post(['beta'], headers);
  await block.untilBlocked();
  // The row looks like the abandoned operation of another process, so this process loses it.
  await testbed.gateway.psql(
    `UPDATE operations SET worker = 'elsewhere', fencing_token = fencing_token + 1, heartbeat_at = now() - interval '1 hour'
     WHERE tenant_id = (SELECT id FROM tenants WHERE slug = $1)`,
    [slug],
  );
  const repeated = post(['beta'], headers);
  await block.release();
  expect([(await running).status, (await repeated).status]).toEqual([201, 201]);
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('a client that disconnects does not stop the provisioning', async () => {
  await using block = await blockMigrations(testbed.url('beta'));
  await testbed.write('beta/0003_next.sql', blockingStatement);
  onTestFinished(() => testbed.remove('beta/0003_next.sql'));
  const leaving = new AbortController();
  const left = fetch(`${testbed.gateway.url}/api/tenants`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Left', slug, modules: ['beta'] }),
    signal: leaving.signal,
  });
  await block.untilBlocked();
  leaving.abort();
  await expect(left).rejects.toThrow(/abort/i);
  await block.release();
  await expect.poll(statusNow).toBe('active');
});

test('a stopping gateway finishes the tenant and refuses new requests', async () => {
  await using block = await blockMigrations(testbed.url('beta'));
  await testbed.write('beta/0003_next.sql', blockingStatement);
  onTestFinished(() => testbed.remove('beta/0003_next.sql'));
  const stopping = await openGateway({ sharing: testbed.gateway, config: testbed.config });
  await describeApi(stopping);
  const running = ask(stopping, 'POST /api/tenants', { body: { name: 'Last', slug, modules: ['beta'] } });
  await block.untilBlocked();
  const closed = stopping.close();
  const meanwhile = await ask<Failure>(stopping, 'GET /api/tenants');
  expect([meanwhile.status, meanwhile.body.error.code]).toEqual([503, 'REGISTRY_UNAVAILABLE']);
  expect(meanwhile.headers.get('connection')).toBe('close');
  await block.release();
  expect((await running).status).toBe(201);
  await closed;
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
});
