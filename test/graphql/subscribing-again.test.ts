import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SubscriptionStatus } from '../../src/database/generated/prisma/enums.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

/**
 * The answer of subscribeTenantToModule by status of the subscription: its new status, or the code of the refusal.
 */
const answers: Record<SubscriptionStatus | 'NONE', { provision: string; leave: string }> = {
  NONE: { provision: 'ACTIVE', leave: 'PENDING' },
  // It waits for its storage already; making the storage is a step further.
  PENDING: { provision: 'ACTIVE', leave: 'CONFLICT' },
  PROVISIONING: { provision: 'OPERATION_IN_PROGRESS', leave: 'OPERATION_IN_PROGRESS' },
  ACTIVE: { provision: 'CONFLICT', leave: 'CONFLICT' },
  MIGRATING: { provision: 'OPERATION_IN_PROGRESS', leave: 'OPERATION_IN_PROGRESS' },
  SUSPENDED: { provision: 'CONFLICT', leave: 'CONFLICT' },
  FAILED: { provision: 'ACTIVE', leave: 'PENDING' },
  DEPROVISIONING: { provision: 'OPERATION_IN_PROGRESS', leave: 'OPERATION_IN_PROGRESS' },
  CANCELLED: { provision: 'ACTIVE', leave: 'PENDING' },
};

async function aTenantWith(status: string): Promise<string> {
  const { id } = await aTenant().at(gateway);
  if (status !== 'NONE')
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'inventory', lower($2)::subscription_status)`,
      [id, status],
    );
  return id;
}

async function subscribe(tenantId: string, provision: boolean): Promise<string> {
  const { result, codes } = await mutate(
    gateway,
    'subscribeTenantToModule',
    { tenantId, module: 'inventory', provision },
    'subscription { status }',
  );
  return codes[0] ?? result.subscription.status;
}

const rowsOf = (id: string) =>
  gateway.psql(
    'SELECT status, schema_name, generation, version FROM module_subscriptions WHERE tenant_id = $1',
    [id],
  );

describe.each(Object.entries(answers))(
  'subscribing a tenant whose subscription is %s',
  (status, expected) => {
    test.each([
      ['with its storage', true, expected.provision],
      ['without storage', false, expected.leave],
    ] as const)(
      '%s answers as the contract says, and a refusal changes nothing',
      async (_what, provision, answer) => {
        const id = await aTenantWith(status);
        const before = await rowsOf(id);
        expect(await subscribe(id, provision)).toBe(answer);
        if (!(answer in SubscriptionStatus)) expect(await rowsOf(id)).toEqual(before);
      },
    );
  },
);

test('subscribing twice without storage is refused the second time', async () => {
  const { id } = await aTenant().at(gateway);
  expect(await subscribe(id, false)).toBe('PENDING');
  expect(await subscribe(id, false)).toBe('CONFLICT');
  expect(await rowsOf(id)).toHaveLength(1);
});
