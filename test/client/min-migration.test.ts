import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { codeOf, countRequests, once } from './support/client-outcomes.js';

const old = 'finance/0001_accounts_receivable.sql';
const newest = 'finance/0002_invoice_numbering.sql';

let gateway: TestGateway;
let acme: StoryTenant;
/** A service that works with any tenant, and one that needs the newest file. */
let tolerant: TenantRegistry;
let strict: TenantRegistry;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance').at(gateway);
  await setVersion(old);
  tolerant = createTenantRegistry({ url: gateway.url, module: 'finance' });
  strict = createTenantRegistry({ url: gateway.url, module: 'finance', minMigration: '0002' });
  await Promise.all([once(tolerant, 'ready'), once(strict, 'ready')]);
});
afterAll(async () => {
  await tolerant?.close();
  await strict?.close();
  await gateway?.close();
});

function setVersion(version: string) {
  return gateway.psql('UPDATE module_subscriptions SET migration_version = $2 WHERE tenant_id = $1', [
    acme.id,
    version,
  ]);
}

test('a service with minMigration gets a tenant from the moment at which it was migrated', async () => {
  expect(await tolerant.resolve(acme.slug)).toMatchObject({ migrationVersion: old });
  await expect(strict.resolve(acme.slug)).rejects.toMatchObject({ code: 'SCHEMA_BEHIND', status: 503 });
  // The start of a rollout changes no route, so the refusal is not kept.
  const requests = await countRequests(gateway, '/graphql', async () => {
    expect(await strict.resolve(acme.slug).catch(codeOf)).toBe('SCHEMA_BEHIND');
    expect(await strict.resolveMany([acme.slug])).toMatchObject([{ code: 'SCHEMA_BEHIND' }]);
  });
  expect(requests).toBe(2);
  await setVersion(newest);
  expect(await strict.resolve(acme.slug)).toMatchObject({ migrationVersion: newest });
  // From now on it is answered from the cache, like every other tenant.
  const later = await countRequests(gateway, '/graphql', async () => {
    for (let at = 0; at < 10; at++) await strict.resolve(acme.slug);
  });
  expect(later).toBe(0);
});

test('a service that learns of the migration by the change log reads the route anew', async () => {
  await setVersion(old);
  const changed = once(tolerant, 'change');
  await setVersion(newest);
  await changed;
  expect(await tolerant.resolve(acme.slug)).toMatchObject({ migrationVersion: newest });
});
