import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../setup/free-port.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

const root = join(import.meta.dirname, '../..');

let gateway: TestGateway;
let acme: StoryTenant;
let globex: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance', 'operations').at(gateway);
  globex = await aTenant().subscribedTo('finance', 'operations').at(gateway);
});
afterAll(() => gateway?.close());

const invoice = (price: string) => ({ customer: 'Shop', description: 'Fish', price });
const party = (name: string) => ({ name, email: `office@${name.toLowerCase()}.example` });

test.each([
  {
    name: 'finance',
    path: '/invoices',
    own: invoice('120.50'),
    others: invoice('80.00'),
    shown: { number: 'INV-000001', customer: 'Shop', total: '120.50', currency: 'ZAR' },
  },
  {
    name: 'operations',
    path: '/parties',
    own: party('Lodge'),
    others: party('Harbour'),
    shown: { name: 'Lodge', contacts: [{ kind: 'email', value: 'office@lodge.example' }] },
  },
])(
  'the example $name answers with the rows of the request’s tenant only',
  async ({ name, path, own, others, shown }) => {
    await using service = await startExample(name);
    const ask = async (tenant: string, body?: object) => {
      const headers = { 'x-tenant-id': tenant, ...(body && { 'content-type': 'application/json' }) };
      const method = body ? 'POST' : 'GET';
      const response = await fetch(service.url + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
      });
      return { status: response.status, body: await response.json() };
    };
    expect(await ask(acme.slug, own)).toMatchObject({ status: 201 });
    expect(await ask(globex.id, others)).toMatchObject({ status: 201 });
    expect(await ask(acme.id)).toEqual({ status: 200, body: [expect.objectContaining(shown)] });
    await mutate(gateway, 'suspendTenant', { tenantId: acme.id, reason: 'unpaid' });
    expect(await ask(acme.id)).toMatchObject({ status: 403, body: { error: { code: 'TENANT_SUSPENDED' } } });
    await mutate(gateway, 'resumeTenant', { tenantId: acme.id });
    expect(await ask('nobody')).toMatchObject({ status: 404, body: { error: { code: 'TENANT_NOT_FOUND' } } });
    const source = await readFile(join(root, `examples/${name}/server.ts`), 'utf8');
    expect(source.split('\n').length).toBeLessThan(60);
  },
);

/** Starts an example with the command that its comment names. */
async function startExample(name: string) {
  const port = await findFreePort();
  const env = {
    ...process.env,
    FINANCE_PORT: String(port),
    OPERATIONS_PORT: String(port),
    REGISTRY_URL: gateway.url,
    [`${name.toUpperCase()}_DB_URL`]: gateway.serviceUrl(name),
  };
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}/server.ts`], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  expect(child.exitCode).toBeNull();
  return {
    url: `http://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    },
  };
}
