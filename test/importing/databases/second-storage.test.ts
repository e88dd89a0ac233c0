import { afterAll, beforeAll, expect, test } from 'vitest';
import { SubscriptionStatus } from '../../../src/database/generated/prisma/enums.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { aTenant } from '../../setup/stories.js';
import { entryFor, legacySchema, takeOver } from '../support/legacy-story.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

/** Whether a second schema may take the place of the one that the subscription names. */
const mayMove: Record<SubscriptionStatus, boolean> = {
  PENDING: true,
  FAILED: true,
  CANCELLED: true,
  PROVISIONING: false,
  ACTIVE: false,
  MIGRATING: false,
  SUSPENDED: false,
  DEPROVISIONING: false,
};

/** A tenant with a subscription, and a second schema that the map says is its own. */
async function aTenantWith(status: string, hasData: boolean) {
  const { id, slug } = await aTenant().at(gateway);
  const [first, second] = [`finance_${slug}`, `finance_${slug}_two`];
  await gateway.psql(
    `INSERT INTO module_subscriptions (tenant_id, module, status, provisioned_at)
     VALUES ($1, 'finance', lower($2)::subscription_status, CASE WHEN $3 THEN now() END)`,
    [id, status, hasData],
  );
  await gateway.psqlIn('finance', legacySchema(second) + (hasData ? legacySchema(first) : ''));
  return { id, slug, first, second };
}

test.each(
  Object.values(SubscriptionStatus).flatMap((status) =>
    // An active subscription always has data.
    (status === 'ACTIVE' ? [true] : [true, false]).map((hasData) => ({
      status,
      hasData,
      data: hasData ? 'with data' : 'that never had data',
    })),
  ),
)('a second schema of a tenant with a $status subscription $data', async ({ status, hasData }) => {
  const { id, slug, first, second } = await aTenantWith(status, hasData);
  const map = `schema,id,slug,name\n${second},${id},${slug},`;
  for (const isDryRun of [true, false]) {
    const entry = entryFor(await takeOver(gateway, { map, modules: ['finance'], isDryRun }), second);
    if (!hasData && mayMove[status]) expect(entry).toMatchObject({ action: 'subscribe', tenantId: id });
    else
      expect(entry).toMatchObject({
        action: 'conflict',
        why: `tenant ${slug} already has its finance data in ${first}`,
      });
  }
  const rows = await gateway.psql<{ schema_name: string }>(
    'SELECT schema_name FROM module_subscriptions WHERE tenant_id = $1',
    [id],
  );
  expect(rows).toEqual([{ schema_name: !hasData && mayMove[status] ? second : first }]);
});
