import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const register = (input: object, key?: string) =>
  mutate(gateway, 'registerTenant', input, 'tenant { id slug } revision', {
    accept: graphqlResponse,
    ...(key && { key }),
  });

async function head(): Promise<string> {
  const [row] = await gateway.psql<{ revision: string }>('SELECT revision FROM registry_head');
  return row?.revision ?? '';
}

describe('a request repeated with its idempotency key', () => {
  test('gets the same answer and changes nothing', async () => {
    const input = { name: 'Once', slug: uniqueName('t'), idempotencyKey: 'once' };
    const first = await register(input);
    const before = await head();
    const second = await register(input);
    expect(second.codes).toEqual([]);
    expect(second.result).toEqual(first.result);
    expect(await head()).toBe(before);
  });

  test('ten times at once changes the registry once, and all ten get the same answer', async () => {
    const input = { name: 'Ten', slug: uniqueName('t'), idempotencyKey: 'ten' };
    const before = BigInt(await head());
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(input)));
    expect(answers.flatMap(({ codes }) => codes)).toEqual([]);
    expect(new Set(answers.map(({ result }) => JSON.stringify(result))).size).toBe(1);
    expect(BigInt(await head())).toBe(before + 1n);
  });

  test('after other changes still has the revision of its own change', async () => {
    const input = { name: 'Early', slug: uniqueName('t'), idempotencyKey: 'early' };
    const first = await register(input);
    await aTenant().at(gateway);
    expect((await register(input)).result.revision).toBe(first.result.revision);
  });

  test('a suspension repeated after the tenant was resumed does not suspend it again', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const input = { tenantId: id, reason: 'unpaid', idempotencyKey: 'suspend' };
    await mutate(gateway, 'suspendTenant', input);
    await mutate(gateway, 'resumeTenant', { tenantId: id });
    expect((await mutate(gateway, 'suspendTenant', input)).codes).toEqual([]);
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
  });

  test('a subscription is created once, and a read at its revision finds it active', async () => {
    const { id } = await aTenant().at(gateway);
    const subscribe = () =>
      mutate(
        gateway,
        'subscribeTenantToModule',
        { tenantId: id, module: 'finance', idempotencyKey: 'subscribe' },
        'subscription { id status generation history { edges { node { id } } } } operation { id status } revision',
      );
    const first = await subscribe();
    expect(first.result.operation.status).toBe('SUCCEEDED');
    expect((await subscribe()).result).toEqual(first.result);
  });

  test('a provisioned tenant is provisioned once', async () => {
    const slug = uniqueName('t');
    const provision = () =>
      mutate(
        gateway,
        'provisionTenant',
        { name: 'All', slug, adminEmail: 'a@all.example', modules: ['finance'], idempotencyKey: 'provision' },
        'tenant { id status } operation { id status } revision',
      );
    const first = await provision();
    expect(first.result.tenant.status).toBe('ACTIVE');
    expect((await provision()).result).toEqual(first.result);
  });

  test('an API key is created once, and its secret is not returned again', async () => {
    const create = () =>
      mutate(
        gateway,
        'createApiKey',
        { name: 'once', scopes: ['registry:read'], idempotencyKey: 'key', expiresAt: '2099-01-01T00:00:00Z' },
        'apiKey { id name scopes } secret revision',
      );
    const first = await create();
    expect(first.result.secret).toMatch(/^trk_/);
    const second = await create();
    expect(second.result).toEqual({ ...first.result, secret: null });
  });
});

describe('an idempotency key', () => {
  test.each([
    ['another name', { name: 'Other' }],
    ['a field more', { name: 'Used', plan: 'PRO' }],
  ])('with %s is refused with IDEMPOTENCY_KEY_REUSED', async (what, change) => {
    const input = { name: 'Used', slug: uniqueName('t'), idempotencyKey: `used with ${what}` };
    await register(input);
    const { status, codes, errors } = await register({ ...input, ...change });
    expect([status, codes]).toEqual([422, ['IDEMPOTENCY_KEY_REUSED']]);
    expect(errors[0]?.message).toContain(`used with ${what}`);
  });

  test('with another mutation is refused with IDEMPOTENCY_KEY_REUSED', async () => {
    const { id } = await aTenant().at(gateway);
    const input = { tenantId: id, idempotencyKey: 'one mutation' };
    await mutate(gateway, 'deleteTenant', input);
    expect((await mutate(gateway, 'restoreTenant', input)).codes).toEqual(['IDEMPOTENCY_KEY_REUSED']);
  });

  test('belongs to its caller: other callers may use the same text', async () => {
    const [one, two] = [await gateway.createKey('registry:write'), await gateway.createKey('registry:write')];
    const slugs = [uniqueName('t'), uniqueName('t')];
    const first = await register({ name: 'One', slug: slugs[0], idempotencyKey: 'shared' }, one);
    const second = await register({ name: 'Two', slug: slugs[1], idempotencyKey: 'shared' }, two);
    expect([first.result.tenant.slug, second.result.tenant.slug]).toEqual(slugs);
  });

  test('is not used by a refused attempt', async () => {
    const slug = uniqueName('t');
    const input = { tenantId: slug, reason: 'unpaid', idempotencyKey: 'too early' };
    expect((await mutate(gateway, 'suspendTenant', input)).codes).toEqual(['TENANT_NOT_FOUND']);
    await aTenant({ slug }).at(gateway);
    const again = await mutate(gateway, 'suspendTenant', input, 'tenant { status }');
    expect(again.result.tenant.status).toBe('SUSPENDED');
  });

  test('is forgotten after a day', async () => {
    const { id } = await aTenant().at(gateway);
    const suspend = () =>
      mutate(
        gateway,
        'suspendTenant',
        { tenantId: id, reason: 'unpaid', idempotencyKey: 'a day' },
        'tenant { status }',
      );
    await suspend();
    await mutate(gateway, 'resumeTenant', { tenantId: id });
    await gateway.psql(
      `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'a day'`,
    );
    expect((await suspend()).result.tenant.status).toBe('SUSPENDED');
  });
});
