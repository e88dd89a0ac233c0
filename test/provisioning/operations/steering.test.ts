import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { shutGate, stopAtGate } from '../support/blocked-migration.js';
import { schemasAt } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  mendedMigration,
  openWorkshop,
  type Workshop,
} from '../support/gateway-with-own-modules.js';
import { newestOperation, operationAt, steer, watch } from '../support/operation-calls.js';
import { lookAt, provision, resolve, subscribe } from '../support/provisioning-calls.js';

let workshop: Workshop;
let slug: string;
beforeAll(async () => {
  workshop = await openWorkshop(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => workshop.close());
beforeEach(() => {
  slug = uniqueName('t');
});

async function breakBeta(): Promise<void> {
  await workshop.write('beta/0003_half.sql', brokenMigration);
  onTestFinished(() => workshop.remove('beta/0003_half.sql'));
}

async function standing(): Promise<string[]> {
  const schemas = [...(await schemasAt(workshop.url('alpha'))), ...(await schemasAt(workshop.url('beta')))];
  return schemas.filter((name) => name.endsWith(slug));
}

describe('retryOperation', () => {
  test('starts a compensated operation anew under the same names, and it is the same operation', async () => {
    await breakBeta();
    const failed = await provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });
    expect(failed.operation.status).toBe('COMPENSATED');
    expect(await standing()).toEqual([]);
    await workshop.write('beta/0003_half.sql', mendedMigration);

    const { operation } = await steer(workshop.gateway, 'retryOperation', failed.operation.id);
    expect(operation).toMatchObject({
      ...{ id: failed.operation.id, status: 'SUCCEEDED', error: null, attempt: 2 },
      steps: [
        { status: 'SUCCEEDED', error: null },
        { status: 'SUCCEEDED', error: null },
        { status: 'SUCCEEDED' },
      ],
    });
    expect(await standing()).toEqual([`alpha_${slug}`, `beta_${slug}`]);
    expect(await resolve(workshop.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
  });

  test('fails and undoes again while nothing is mended', async () => {
    await breakBeta();
    const failed = await provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });
    const { operation } = await steer(workshop.gateway, 'retryOperation', failed.operation.id);
    expect(operation).toMatchObject({ status: 'COMPENSATED', attempt: 2 });
    expect(await standing()).toEqual([]);
  });

  test.each(['SUCCEEDED', 'superseded'])('is refused as CONFLICT for what is %s', async (what) => {
    if (what === 'superseded') await breakBeta();
    const tenant = await aTenant({ slug }).at(workshop.gateway);
    const { operation } = await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'beta' });
    if (what === 'superseded') {
      await workshop.write('beta/0003_half.sql', mendedMigration);
      await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'beta' });
    }
    expect(await steer(workshop.gateway, 'retryOperation', operation.id)).toMatchObject({ code: 'CONFLICT' });
    expect(await resolve(workshop.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
  });

  test('does not make storage for a tenant that was suspended since', async () => {
    await breakBeta();
    const tenant = await aTenant({ slug }).at(workshop.gateway);
    const { operation } = await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'beta' });
    await workshop.gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [tenant.id]);
    expect(await steer(workshop.gateway, 'retryOperation', operation.id)).toMatchObject({
      code: 'TENANT_SUSPENDED',
    });
  });

  test('of nothing is refused with the way out', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    const refused = await steer(workshop.gateway, 'retryOperation', id);
    expect(refused).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(id) });
  });
});

describe('cancelOperation', () => {
  test('has what runs undone before its next step, and a retry can take it up', async () => {
    await workshop.write('alpha/0003_gate.sql', stopAtGate);
    onTestFinished(() => workshop.remove('alpha/0003_gate.sql'));
    await using gate = await shutGate(workshop.url('alpha'));
    const running = provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });
    await gate.reached();
    const { id } = await lookAt(workshop.gateway, slug);
    const operationId = await newestOperation(workshop.gateway, id, 'provision_tenant');
    const cancelled = await steer(workshop.gateway, 'cancelOperation', operationId);
    expect(cancelled).toMatchObject({ code: undefined, operation: { status: 'RUNNING' } });
    await gate.open();

    expect((await running).operation).toMatchObject({ id: operationId, status: 'CANCELLED' });
    expect(await standing()).toEqual([]);
    expect(await resolve(workshop.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
    const { operation } = await steer(workshop.gateway, 'retryOperation', operationId);
    expect(operation?.status).toBe('SUCCEEDED');
    expect(await standing()).toEqual([`alpha_${slug}`, `beta_${slug}`]);
  });

  test('ends what nobody has begun, at once', async () => {
    const tenant = await aTenant({ slug }).subscribedTo('alpha').at(workshop.gateway);
    await workshop.gateway.ask(
      `mutation { deleteTenant(input: { tenantId: "${slug}" }) { revision }
                  purgeTenant(input: { tenantId: "${slug}" }) { operation { status } } }`,
    );
    const id = await newestOperation(workshop.gateway, tenant.id, 'purge_tenant');
    expect((await operationAt(workshop.gateway, id)).status).toBe('QUEUED');
    expect((await steer(workshop.gateway, 'cancelOperation', id)).operation?.status).toBe('CANCELLED');
    expect(await standing()).toEqual([`alpha_${slug}`]);
  });

  test('is refused as CONFLICT for what has ended, and for guards, which follow the registry', async () => {
    const tenant = await aTenant({ slug }).subscribedTo('alpha').at(workshop.gateway);
    const [{ history: [done] = [] } = {}] = (await lookAt(workshop.gateway, slug)).subscriptions;
    expect(await steer(workshop.gateway, 'cancelOperation', done?.id ?? '')).toMatchObject({
      code: 'CONFLICT',
    });
    await workshop.gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [tenant.id]);
    const binding = await newestOperation(workshop.gateway, tenant.id, 'bind_storage');
    expect(await steer(workshop.gateway, 'cancelOperation', binding)).toMatchObject({ code: 'CONFLICT' });
  });
});

describe('operationProgress', () => {
  test('shows the operation go on, and ends with it', async () => {
    await workshop.write('alpha/0003_gate.sql', stopAtGate);
    onTestFinished(() => workshop.remove('alpha/0003_gate.sql'));
    await using gate = await shutGate(workshop.url('alpha'));
    const running = provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });
    await gate.reached();
    const { id } = await lookAt(workshop.gateway, slug);
    const operationId = await newestOperation(workshop.gateway, id, 'provision_tenant');
    const watching = watch(workshop.gateway, operationId);
    setTimeout(() => void gate.open(), 300);
    await running;
    const events = await watching;
    expect(events[0]).toEqual({ status: 'RUNNING', isEnd: false });
    expect(events.at(-1)).toEqual({ status: 'SUCCEEDED', isEnd: true });
    expect(events.filter(({ isEnd }) => isEnd)).toHaveLength(1);
  });

  test('of what has ended says so once', async () => {
    const { operation } = await provision(workshop.gateway, { slug, modules: ['alpha'] });
    expect(await watch(workshop.gateway, operation.id)).toEqual([{ status: 'SUCCEEDED', isEnd: true }]);
  });

  test('of nothing is refused', async () => {
    const { body } = await fetch(`${workshop.gateway.url}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'subscription { operationProgress(id: "nothing") { isEnd } }' }),
    });
    const text = await new Response(body).text();
    expect(text).toContain('VALIDATION_ERROR');
    expect(text).toContain('there is no operation nothing');
  });
});
