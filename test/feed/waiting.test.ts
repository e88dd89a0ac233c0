import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openPair, type Pair, warm } from './support/two-gateways.js';

let pair: Pair;
let acme: StoryTenant;
let schema: string;
beforeAll(async () => {
  pair = await openPair();
  acme = await aTenant().subscribedTo('finance').at(pair.one);
  schema = `finance_${acme.slug}`;
});
afterAll(() => pair?.close());

/** Whether it is done within the time. */
const isDoneWithin = (ms: number, work: Promise<unknown>) =>
  Promise.race([work.then(() => true), delay(ms, false)]);

const suspend = (wait: string) =>
  mutate(
    pair.one,
    'suspendTenant',
    { tenantId: acme.id, reason: 'unpaid', wait },
    'revision tenant { status }',
  );
const resume = () => mutate(pair.one, 'resumeTenant', { tenantId: acme.id });

const resolveAt = async (minRevision: string, consistency = 'CACHED') => {
  const { data, codes } = await pair.other.ask(
    `query ($id: ID!, $minRevision: Revision, $consistency: Consistency) {
       tenantSchema(id: $id, module: "finance", minRevision: $minRevision, consistency: $consistency) { schemaName }
     }`,
    { id: acme.id, minRevision, consistency },
  );
  return data.tenantSchema?.schemaName ?? codes.join();
};

describe('while another gateway has not heard of a change', () => {
  test.each(['GATEWAYS', 'EVERYWHERE'])('wait: %s is not answered, and afterwards is', async (wait) => {
    await warm(pair.other, acme.id);
    const suspended = await pair.whileOtherIsDeaf(async () => {
      const answer = suspend(wait);
      expect(await isDoneWithin(400, answer)).toBe(false);
      // What the wait is for: the other gateway still answers, and rightly so, for nothing was acknowledged.
      expect(await resolve(pair.other, acme.id)).toBe(schema);
      return { answer };
    });
    const { codes } = await suspended.answer;
    expect([codes, await resolve(pair.other, acme.id)]).toEqual([[], 'TENANT_SUSPENDED']);
    await resume();
    expect(await resolve(pair.other, acme.id)).toBe(schema);
  });

  test('without a wait of its own suspendTenant waits', async () => {
    const suspended = await pair.whileOtherIsDeaf(async () => {
      const answer = mutate(pair.one, 'suspendTenant', { tenantId: acme.id, reason: 'unpaid' });
      expect(await isDoneWithin(400, answer)).toBe(false);
      return { answer };
    });
    await suspended.answer;
    await resume();
  });

  test('wait: COMMITTED is answered at once; its own payload and whoever shows its revision get the truth', async () => {
    await warm(pair.other, acme.id);
    await pair.whileOtherIsDeaf(async () => {
      const answer = suspend('COMMITTED');
      expect(await isDoneWithin(400, answer)).toBe(true);
      const { result } = await answer;
      expect(result.tenant.status).toBe('SUSPENDED');
      expect([
        await resolve(pair.other, acme.id),
        await resolveAt(result.revision),
        await resolveAt(result.revision),
      ]).toEqual([schema, 'TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
    });
    await expect.poll(() => resolve(pair.other, acme.id), { timeout: 1_000 }).toBe('TENANT_SUSPENDED');
    await resume();
  });

  test('a STRONG read gets the truth', async () => {
    await warm(pair.other, acme.id);
    await pair.whileOtherIsDeaf(async () => {
      const { result } = await suspend('COMMITTED');
      const [epoch] = result.revision.split(':');
      expect([await resolveAt(`${epoch}:0`), await resolveAt(`${epoch}:0`, 'STRONG')]).toEqual([
        schema,
        'TENANT_SUSPENDED',
      ]);
    });
    await resume();
  });

  test('an answer from the primary is not kept in place of what is proven', async () => {
    // Deaf, the other gateway cannot know whether what it reads now was overtaken: it may answer it, and again later.
    await pair.whileOtherIsDeaf(async () => {
      const { result } = await suspend('COMMITTED');
      await resolveAt(result.revision);
      await mutate(pair.one, 'resumeTenant', { tenantId: acme.id, wait: 'COMMITTED' });
    });
    await expect.poll(() => resolve(pair.other, acme.id), { timeout: 1_000 }).toBe(schema);
  });

  test('the payload of a mutation holds a configuration that is as new as the mutation', async () => {
    const ask = () => pair.other.ask('query ($id: ID!) { tenant(id: $id) { config } }', { id: acme.id });
    await ask();
    await pair.whileOtherIsDeaf(async () => {
      await pair.one.psql(`UPDATE tenants SET tenant_config = '{"theme": "dark"}' WHERE id = $1`, [acme.id]);
      expect((await ask()).data.tenant.config).toEqual({});
      const updated = { tenantId: acme.id, name: 'Acme', wait: 'COMMITTED' };
      const { result } = await mutate(pair.other, 'updateTenant', updated, 'tenant { config }');
      expect(result.tenant.config).toEqual({ theme: 'dark' });
    });
  });
});

test.each(['COMMITTED', 'GATEWAYS', 'EVERYWHERE'])('every mutation takes wait: %s', async (wait) => {
  const slug = uniqueName('t');
  const name = slug.slice(-20);
  const tenantId = slug;
  const module = 'inventory';
  const mutations: [string, object][] = [
    ['registerTenant', { name: 'Tenant', slug }],
    ['updateTenant', { tenantId, name: 'Other' }],
    ['subscribeTenantToModule', { tenantId, module, provision: false }],
    ['provisionModule', { tenantId, module }],
    ['markModuleProvisioned', { tenantId, module }],
    ['unsubscribeTenantFromModule', { tenantId, module }],
    ['suspendTenant', { tenantId, reason: 'unpaid' }],
    ['resumeTenant', { tenantId }],
    ['deleteTenant', { tenantId }],
    ['restoreTenant', { tenantId }],
    ['provisionTenant', { name: 'Whole', slug: `${slug}_2`, adminEmail: 'a@example.com', modules: [module] }],
    ['registerModule', { name, databaseRef: 'FINANCE_DB_URL' }],
    ['updateModule', { name, description: 'New' }],
  ];
  for (const [mutation, input] of mutations) {
    const { codes, result } = await mutate(pair.one, mutation, { ...input, wait });
    expect([mutation, codes, typeof result?.revision]).toEqual([mutation, [], 'string']);
  }
});

test('a hundred mutations at a time are all acknowledged, and nobody’s lease suffers', async () => {
  const { one, other } = pair;
  const tenants = await Promise.all(Array.from({ length: 20 }, () => aTenant().at(one)));
  let shortest = Number.POSITIVE_INFINITY;
  const watch = setInterval(() => {
    for (const { app } of [one, other])
      shortest = Math.min(shortest, app.gateway?.freshness.follower.leaseRemainingMs ?? 0);
  }, 10);
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const { id } = tenants[at % tenants.length] as StoryTenant;
      const name = `name ${at}`;
      const { codes, result } = await mutate(at % 2 ? one : other, 'updateTenant', { tenantId: id, name });
      return codes.join() || result.revision;
    }),
  );
  clearInterval(watch);
  expect(new Set(answers).size).toBe(100);
  expect(answers.join()).not.toMatch(/[A-Z]/);
  expect(shortest).toBeGreaterThan(2_500);
});

test('an idempotent mutation that is repeated is acknowledged again', async () => {
  const input = { tenantId: acme.id, reason: 'unpaid', idempotencyKey: 'once', wait: 'COMMITTED' };
  await warm(pair.other, acme.id);
  const repeated = await pair.whileOtherIsDeaf(async () => {
    await mutate(pair.one, 'suspendTenant', input);
    const answer = mutate(pair.one, 'suspendTenant', { ...input, wait: 'GATEWAYS' });
    expect(await isDoneWithin(300, answer)).toBe(false);
    return { answer };
  });
  const { codes } = await repeated.answer;
  expect([codes, await resolve(pair.other, acme.id)]).toEqual([[], 'TENANT_SUSPENDED']);
});
