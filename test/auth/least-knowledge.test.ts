import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LeaseAnswer } from '../../src/server/lease.js';
import { type CredentialStream, routesChanged } from '../feed/support/credential-streams.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider } from '../setup/identity-provider.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
/** A tenant of both modules, one of operations alone, and one that left finance. */
let both: StoryTenant;
let foreign: StoryTenant;
let former: StoryTenant;
let key: string;
beforeAll(async () => {
  gateway = await openGateway();
  both = await aTenant().subscribedTo('finance', 'operations').at(gateway);
  foreign = await aTenant().subscribedTo('operations').at(gateway);
  former = await aTenant().subscribedTo('finance').at(gateway);
  await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: former.id, module: 'finance' });
  key = await gateway.createKey('resolve:finance');
});
afterAll(() => gateway?.close());

const secretReason = 'owes 12 000 to their bank';

async function renew(client: string, has: string | null, as = key): Promise<LeaseAnswer> {
  const response = await fetch(`${gateway.url}/lease`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${as}` },
    body: JSON.stringify({ client, has }),
  });
  return (await response.json()) as LeaseAnswer;
}

/** Changes the foreign tenant in every way, and creates one more and a module. Returns what must not be told. */
async function changeStrangers(): Promise<string[]> {
  const tenantId = foreign.id;
  const created = await aTenant().subscribedTo('operations').at(gateway);
  const alone = await aTenant().at(gateway);
  const answers = [
    await mutate(gateway, 'updateTenant', { tenantId, name: 'Renamed Stranger' }),
    await mutate(gateway, 'updateTenantSettings', { tenantId, companyName: 'Stranger & Sons' }),
    await mutate(gateway, 'updateTenantBranding', { tenantId, primaryColor: '#123456' }),
    await mutate(gateway, 'updateModule', { name: 'operations', description: `${Date.now()}` }),
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: both.id, module: 'operations' }),
    await mutate(gateway, 'subscribeTenantToModule', { tenantId: both.id, module: 'operations' }),
    await mutate(gateway, 'suspendTenant', { tenantId, reason: secretReason }),
    await mutate(gateway, 'resumeTenant', { tenantId }),
    await mutate(gateway, 'deleteTenant', { tenantId: alone.id }),
  ];
  expect(answers.flatMap(({ codes }) => codes)).toEqual([]);
  return [foreign, created, alone]
    .flatMap(({ id, slug }) => [id, slug])
    .concat('operations', 'Stranger', '12 000');
}

/** Statements of operations would be counted as those of requests. A queued one stays so, because no worker runs here. */
async function noOperationRuns(): Promise<void> {
  const running = `SELECT kind FROM operations WHERE status IN ('running', 'compensating')`;
  await expect.poll(() => gateway.psql(running), { timeout: 20_000 }).toEqual([]);
}

function expectNothingOf(told: string, secrets: readonly string[]): void {
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
}

describe('a key for one module', () => {
  test('hears nothing of other tenants and modules by routesChanged', async () => {
    await using stream = await routesChanged(gateway.url, key);
    await delay(200);
    const secrets = await changeStrangers();
    await mutate(gateway, 'updateTenant', { tenantId: both.id, name: 'Both' });
    await mutate(gateway, 'updateTenant', { tenantId: former.id, name: 'Former' });
    await expect.poll(stream.text).toContain(former.id);
    expect(stream.text()).toContain(both.slug);
    expect(stream.text()).toContain('"type":"REFUSALS"');
    expectNothingOf(stream.text(), secrets);
  });

  test('hears nothing of them by /lease, and its position still advances', async () => {
    const client = randomUUID();
    const { revision } = await renew(client, null);
    const secrets = await changeStrangers();
    const renewed = await renew(client, revision);
    expect(renewed.changed).toEqual([
      { tenantId: null, tenantSlug: null, externalIds: [], module: null, refusalsOnly: true },
    ]);
    expectNothingOf(JSON.stringify(renewed), secrets);
    expect(Number(renewed.revision?.split(':')[1])).toBeGreaterThan(Number(revision?.split(':')[1]));
    await mutate(gateway, 'updateTenant', { tenantId: both.id, name: 'Both again' });
    expect((await renew(client, renewed.revision)).changed).toEqual([
      { tenantId: both.id, tenantSlug: both.slug, externalIds: [], module: null },
    ]);
  });

  test('hears nothing of them when it resumes from before their changes', async () => {
    const { revision } = await renew(randomUUID(), null);
    const secrets = await changeStrangers();
    const { data } = await gateway.ask('{ modules { name } }');
    expect(data.modules).toHaveLength(4);
    await using stream: CredentialStream = await routesChanged(gateway.url, key, revision ?? undefined);
    await mutate(gateway, 'updateTenant', { tenantId: both.id, name: 'Both at last' });
    await expect.poll(stream.text).toContain(both.id);
    expectNothingOf(stream.text(), secrets);
  });

  test('hears everything with registry:read, which can read it anyway', async () => {
    const reader = await gateway.createKey('resolve:finance', 'registry:read');
    const client = randomUUID();
    const { revision } = await renew(client, null, reader);
    await mutate(gateway, 'updateTenant', { tenantId: foreign.id, name: 'Stranger' });
    const { changed } = await renew(client, revision, reader);
    expect(changed).toEqual([
      { tenantId: foreign.id, tenantSlug: foreign.slug, externalIds: [], module: null },
    ]);
  });

  test('is refused for another module before anything is read, whether tenant and module exist or not', async () => {
    const documents = (id: string, module: string) => [
      `{ tenantSchema(id: "${id}", module: "${module}") { schemaName } }`,
      `{ explainResolution(id: "${id}", module: "${module}") { code tier headRevision } }`,
    ];
    await gateway.ask('{ __typename }', {}, { key });
    const answers = new Set<string>();
    const statements = await recordStatements(async () => {
      for (const id of [foreign.id, foreign.slug, both.id, randomUUID(), 'nobody'])
        for (const module of ['operations', 'no_such_module'])
          for (const document of documents(id, module)) {
            const { status, codes, errors, data } = await gateway.ask(document, {}, { key });
            const message = errors[0]?.message.replace(module, '…');
            // The field of explainResolution may not be null, so its answer has no data at all.
            expect(Object.values(data ?? {})).toEqual(document.includes('tenantSchema') ? [null] : []);
            answers.add(JSON.stringify([status, codes, message]));
          }
    });
    expect(statements).toEqual([]);
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain('FORBIDDEN');
  });

  test('is refused for a tenant of others by the same statements as for one that does not exist', async () => {
    const documents = (id: string) => [
      `{ tenantSchema(id: "${id}", module: "finance") { schemaName } }`,
      `{ tenantSchema(id: "${id}", module: "finance", consistency: STRONG) { schemaName } }`,
      `{ tenantSchemas(keys: [{ id: "${id}", module: "finance" }]) { ... on TenantSchemaRefusal { code } } }`,
      `{ explainResolution(id: "${id}", module: "finance") { code } }`,
    ];
    await gateway.ask('{ __typename }', {}, { key });
    await noOperationRuns();
    /** The statements of each document for a tenant that no cache has, and when it is asked again. */
    const statementsFor = async (id: string) => {
      const sent: string[][] = [];
      for (const document of documents(id)) {
        gateway.app.gateway?.caches.clear();
        for (let time = 0; time < 2; time++)
          sent.push(await recordStatements(async () => void (await gateway.ask(document, {}, { key }))));
      }
      return sent;
    };
    const [stranger, byId] = [await statementsFor(randomUUID()), await statementsFor(foreign.id)];
    const [nobody, bySlug] = [await statementsFor('nobody-at-all'), await statementsFor(foreign.slug)];
    expect(stranger.flat().length).toBeGreaterThan(0);
    expect(byId).toEqual(stranger);
    expect(bySlug).toEqual(nobody);
  });

  test('learns of a tenant without a subscription its refusal alone, not its slug or the reason of its suspension', async () => {
    await mutate(gateway, 'suspendTenant', { tenantId: foreign.id, reason: secretReason });
    const { errors } = await gateway.ask(
      `{ tenantSchema(id: "${foreign.id}", module: "finance") { schemaName } }`,
      {},
      { key },
    );
    const { data } = await gateway.ask(
      `{ explainResolution(id: "${foreign.id}", module: "finance") { code message } }`,
      {},
      { key },
    );
    await mutate(gateway, 'resumeTenant', { tenantId: foreign.id });
    expect(errors[0]?.extensions.code).toBe('TENANT_SUSPENDED');
    expect(data.explainResolution.code).toBe('TENANT_SUSPENDED');
    expectNothingOf(JSON.stringify([errors, data]), [foreign.slug, secretReason]);
  });
});

describe('a member of one tenant', () => {
  test('gets for another tenant the answer and the statements of one that does not exist', async () => {
    await using identities = await openIdentityProvider();
    await using guarded = await openGateway({
      sharing: gateway,
      config: { identityProvider: identities.provider },
      authMode: 'required',
    });
    await guarded.psql(
      `INSERT INTO members (tenant_id, email, subject, status, role) VALUES ($1, 'm@both.example', 'member', 'active', 'admin')`,
      [both.id],
    );
    const token = await identities.sign({ sub: 'member' });
    const documents = (id: string) => [
      `{ tenant(id: "${id}") { slug } }`,
      `mutation { updateTenantSettings(input: { tenantId: "${id}", companyName: "New" }) { revision } }`,
    ];
    const ask = async (id: string) => {
      const told: unknown[] = [];
      for (const document of documents(id)) {
        const statements = await recordStatements(async () => {
          const { status, codes, errors } = await guarded.ask(document, {}, { key: token });
          told.push([status, codes, errors[0]?.message]);
        });
        told.push(statements.map((sql) => sql.replace(/\s+/g, ' ')));
      }
      return told;
    };
    await ask(both.id);
    await noOperationRuns();
    expect(await ask(foreign.id)).toEqual(await ask(randomUUID()));
    expect(await ask(foreign.slug)).toEqual(await ask('nobody-at-all'));
    await guarded.psql('INSERT INTO tenant_external_ids (external_id, tenant_id) VALUES ($1, $2)', [
      `Old.${foreign.slug}`,
      foreign.id,
    ]);
    expect(await ask(`Old.${foreign.slug}`)).toEqual(await ask('Nobody.at.all'));
    expect(JSON.stringify(await ask(foreign.id))).toContain('TENANT_MISMATCH');
  });
});

describe('a lease of another caller', () => {
  /** How long a mutation waits for clients, in milliseconds. */
  async function waitMs(): Promise<number> {
    const startedAt = performance.now();
    await mutate(gateway, 'updateTenant', {
      tenantId: both.id,
      name: `Both ${startedAt}`,
      wait: 'EVERYWHERE',
    });
    return performance.now() - startedAt;
  }

  test('cannot be ended or renewed with its client id', async () => {
    const thief = await gateway.createKey('resolve:operations');
    // Leases of other tests have ended.
    await delay(5_600);
    const client = randomUUID();
    await renew(client, null);
    await fetch(`${gateway.url}/lease`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${thief}` },
      body: JSON.stringify({ client, ends: true }),
    });
    await delay(600);
    // The gateway still waits for the client, although the other caller ends the lease and confirms everything.
    const confirmations: Promise<unknown>[] = [];
    const confirming = setInterval(() => confirmations.push(renew(client, null, thief)), 100);
    const tookMs = await waitMs().finally(() => clearInterval(confirming));
    await Promise.all(confirmations);
    expect(tookMs).toBeGreaterThan(3_000);
  });
});
