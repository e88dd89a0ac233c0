import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { openTwoGateways, type TwoGateways } from '../feed/support/two-gateways.js';
import { uniqueName } from '../setup/database.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { codeOf, once } from './support/client-outcomes.js';

/** Clients of the other gateway than the one that changes tenants: with events of changes, and by renewals alone. */

let gateways: TwoGateways;
let acme: StoryTenant;
beforeAll(async () => {
  gateways = await openTwoGateways();
  acme = await aTenant().subscribedTo('finance').at(gateways.one);
});
afterAll(() => gateways?.close());

const change = async (name: string, input: object) => {
  const { codes } = await mutate(gateways.one, name, { tenantId: acme.id, ...input, wait: 'EVERYWHERE' });
  expect(codes).toEqual([]);
};

describe.each([['with events'], ['without events']])('a client %s', (how) => {
  let registry: TenantRegistry;
  beforeAll(async () => {
    const hints = how === 'with events';
    const apiKey = await gateways.one.createKey('resolve:finance');
    registry = createTenantRegistry({ url: gateways.other.url, apiKey, module: 'finance', hints });
    await once(registry, 'ready');
  });
  afterAll(() => registry?.close());

  const outcome = (reference: string) =>
    registry.resolve(reference).then(({ schemaName }) => schemaName, codeOf);

  test('answers under an external id with every change that was acknowledged everywhere', async () => {
    const schema = `finance_${acme.slug}`;
    // Without events each change waits for the next renewal.
    const names =
      how === 'with events' ? [uniqueName('ext'), `Old.${uniqueName('Ext')}`] : [uniqueName('ext')];
    for (const externalId of names) {
      const life: [mutation: string, input: object, answer: string][] = [
        ['addTenantExternalId', { externalId }, schema],
        ['suspendTenant', { reason: 'unpaid' }, 'TENANT_SUSPENDED'],
        ['resumeTenant', {}, schema],
        ['removeTenantExternalId', { externalId }, 'TENANT_NOT_FOUND'],
        ['addTenantExternalId', { externalId }, schema],
        ['removeTenantExternalId', { externalId }, 'TENANT_NOT_FOUND'],
      ];
      expect(await outcome(externalId)).toBe('TENANT_NOT_FOUND');
      for (const [mutation, input, answer] of life) {
        await change(mutation, input);
        expect([mutation, await outcome(externalId)]).toEqual([mutation, answer]);
      }
    }
  });

  test('holds a route under the external id and under the slug', async () => {
    const externalId = uniqueName('Ext');
    await change('addTenantExternalId', { externalId });
    const [named, plain] = [await registry.resolve(externalId), await registry.resolve(acme.slug)];
    expect([named.externalId, plain.externalId]).toEqual([externalId, null]);
    expect({ ...named, externalId: null, revision: '' }).toEqual({ ...plain, revision: '' });
  });
});
