import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openTwoGateways, type TwoGateways, warm } from './support/two-gateways.js';

let gateways: TwoGateways;
let acme: StoryTenant;
let schema: string;
beforeAll(async () => {
  gateways = await openTwoGateways();
  acme = await aTenant().subscribedTo('finance').at(gateways.one);
  schema = `finance_${acme.slug}`;
});
afterAll(() => gateways?.close());

/** Whether a suspension is answered although nothing but its commit has happened. Undefined when it is not committed. */
async function isAnsweredByItsCommit(suspension: Promise<unknown>): Promise<boolean | undefined> {
  let isAnswered = false;
  const answered = suspension.then(() => {
    isAnswered = true;
  });
  const status = () => gateways.one.psql('SELECT status FROM tenants WHERE id = $1', [acme.id]);
  await expect.poll(status).toEqual([{ status: 'suspended' }]);
  // The same gateway answers other requests meanwhile: it has had its turn.
  for (let request = 0; request < 20 && !isAnswered; request++)
    await gateways.one.ask('query ($id: ID!) { tenant(id: $id) { status } }', { id: acme.id });
  void answered;
  return isAnswered;
}

const suspend = (wait: string) =>
  mutate(
    gateways.one,
    'suspendTenant',
    { tenantId: acme.id, reason: 'unpaid', wait },
    'revision tenant { status }',
  );
const resume = () => mutate(gateways.one, 'resumeTenant', { tenantId: acme.id });

const resolveAt = async (minRevision: string, consistency = 'CACHED') => {
  const { data, codes } = await gateways.other.ask(
    `query ($id: ID!, $minRevision: Revision, $consistency: Consistency) {
       tenantSchema(id: $id, module: "finance", minRevision: $minRevision, consistency: $consistency) { schemaName }
     }`,
    { id: acme.id, minRevision, consistency },
  );
  return data.tenantSchema?.schemaName ?? codes.join();
};

describe('while another gateway has not read a change', () => {
  test.each(['GATEWAYS', 'EVERYWHERE'])(
    'a mutation with wait: %s answers only after that gateway has read it',
    async (wait) => {
      await warm(gateways.other, acme.id);
      const suspended = await gateways.whileOtherIsBlocked(async () => {
        const answer = suspend(wait);
        expect(await isAnsweredByItsCommit(answer)).toBe(false);
        // The reason for the wait: the other gateway still answers with the old state, which is correct because the
        // mutation has not answered.
        expect(await resolve(gateways.other, acme.id)).toBe(schema);
        return { answer };
      });
      const { codes } = await suspended.answer;
      expect([codes, await resolve(gateways.other, acme.id)]).toEqual([[], 'TENANT_SUSPENDED']);
      await resume();
      expect(await resolve(gateways.other, acme.id)).toBe(schema);
    },
  );

  test('suspendTenant waits by default', async () => {
    const suspended = await gateways.whileOtherIsBlocked(async () => {
      const answer = mutate(gateways.one, 'suspendTenant', { tenantId: acme.id, reason: 'unpaid' });
      expect(await isAnsweredByItsCommit(answer)).toBe(false);
      return { answer };
    });
    await suspended.answer;
    await resume();
  });

  test('a mutation with wait: COMMITTED answers meanwhile, and its payload and reads with its revision show the new state', async () => {
    await warm(gateways.other, acme.id);
    await gateways.whileOtherIsBlocked(async () => {
      const { result } = await suspend('COMMITTED');
      expect(result.tenant.status).toBe('SUSPENDED');
      expect([
        await resolve(gateways.other, acme.id),
        await resolveAt(result.revision),
        await resolveAt(result.revision),
      ]).toEqual([schema, 'TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
    });
    await expect.poll(() => resolve(gateways.other, acme.id), { timeout: 1_000 }).toBe('TENANT_SUSPENDED');
    await resume();
  });

  test('a STRONG read returns the new state', async () => {
    await warm(gateways.other, acme.id);
    await gateways.whileOtherIsBlocked(async () => {
      const { result } = await suspend('COMMITTED');
      const [epoch] = result.revision.split(':');
      expect([await resolveAt(`${epoch}:0`), await resolveAt(`${epoch}:0`, 'STRONG')]).toEqual([
        schema,
        'TENANT_SUSPENDED',
      ]);
    });
    await resume();
  });

  test('an answer from the primary does not replace a cached entry with a lease', async () => {
    // Without news the other gateway cannot know whether its read is overtaken: it may answer with it once, but not
    // again later.
    await gateways.whileOtherIsBlocked(async () => {
      const { result } = await suspend('COMMITTED');
      await resolveAt(result.revision);
      await mutate(gateways.one, 'resumeTenant', { tenantId: acme.id, wait: 'COMMITTED' });
    });
    await expect.poll(() => resolve(gateways.other, acme.id), { timeout: 1_000 }).toBe(schema);
  });

  test('the payload of a mutation has a configuration that includes the mutation', async () => {
    const ask = () => gateways.other.ask('query ($id: ID!) { tenant(id: $id) { config } }', { id: acme.id });
    await ask();
    await gateways.whileOtherIsBlocked(async () => {
      await gateways.one.psql(`UPDATE tenants SET tenant_config = '{"theme": "dark"}' WHERE id = $1`, [
        acme.id,
      ]);
      expect((await ask()).data.tenant.config).toEqual({});
      const updated = { tenantId: acme.id, name: 'Acme', wait: 'COMMITTED' };
      const { result } = await mutate(gateways.other, 'updateTenant', updated, 'tenant { config }');
      expect(result.tenant.config).toEqual({ theme: 'dark' });
    });
  });
});

test.each(['COMMITTED', 'GATEWAYS', 'EVERYWHERE'])('every mutation accepts wait: %s', async (wait) => {
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
    const { codes, result } = await mutate(gateways.one, mutation, { ...input, wait });
    expect([mutation, codes, typeof result?.revision]).toEqual([mutation, [], 'string']);
  }
});

test('a hundred concurrent mutations are all acknowledged, and no lease is lost', async () => {
  const { one, other } = gateways;
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

test('a repeated mutation with an idempotency key waits for acknowledgement again', async () => {
  const input = { tenantId: acme.id, reason: 'unpaid', idempotencyKey: 'once', wait: 'COMMITTED' };
  await warm(gateways.other, acme.id);
  const repeated = await gateways.whileOtherIsBlocked(async () => {
    await mutate(gateways.one, 'suspendTenant', input);
    const answer = mutate(gateways.one, 'suspendTenant', { ...input, wait: 'GATEWAYS' });
    expect(await isAnsweredByItsCommit(answer)).toBe(false);
    return { answer };
  });
  const { codes } = await repeated.answer;
  expect([codes, await resolve(gateways.other, acme.id)]).toEqual([[], 'TENANT_SUSPENDED']);
});
