import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { lookAt, markProvisioned, provision, resolve, subscribe } from './calls.js';
import { photograph, schemasAt, tablesOf } from './catalog.js';
import { shutGate, stopAtGate, waitFor } from './gate.js';
import { brokenMigration, contacts, openWorkshop, type Workshop } from './workshop.js';

let workshop: Workshop;
let tenant: StoryTenant;
beforeAll(async () => {
  workshop = await openWorkshop(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => workshop.close());
beforeEach(async () => {
  tenant = await aTenant().at(workshop.gateway);
});

const toAlpha = () => subscribe(workshop.gateway, { tenantId: tenant.id, module: 'alpha' });
const openReplica = () => openGateway({ sharing: workshop.gateway, config: workshop.config });

/** What the registry holds of a subscription whose process was killed so long ago. */
async function beginAndVanish(silence: string): Promise<string> {
  await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'alpha', provision: false });
  await workshop.gateway.psql(
    `UPDATE module_subscriptions SET status = 'provisioning' WHERE tenant_id = '${tenant.id}'`,
  );
  const [operation] = await workshop.gateway.psql<{ id: string }>(
    `WITH operation AS (
       INSERT INTO operations (kind, tenant_id, status, actor, worker, started_at, heartbeat_at)
       VALUES ('subscribe_tenant', '${tenant.id}', 'running', 'somebody', 'elsewhere:1', now(), now() - interval '${silence}')
       RETURNING id),
     steps AS (
       INSERT INTO operation_steps (operation_id, position, name, module, status)
       SELECT id, 0, 'create_schema', 'alpha', 'running'::operation_status FROM operation
       UNION ALL SELECT id, 1, 'activate_route', NULL, 'queued' FROM operation)
     SELECT id FROM operation`,
  );
  return operation?.id ?? '';
}

async function silence(operationId: string): Promise<void> {
  await workshop.gateway.psql(
    `UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE id = $1`,
    [operationId],
  );
}

async function runningOperation(tenantId: string): Promise<string> {
  const [row] = await workshop.gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE tenant_id = $1 AND status = 'running'`,
    [tenantId],
  );
  return row?.id ?? '';
}

/** So many sessions wait in alpha's database for somebody else: at the gate, or for him who stands there. */
async function standInLine(count: number): Promise<void> {
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await waitFor(async () => (await workshop.psql('alpha', waiting)).length === count);
}

const lost = {
  status: 'FAILED',
  error: expect.stringContaining('interrupted'),
  finishedAt: expect.any(String),
  steps: [{ status: 'CANCELLED' }, { status: 'CANCELLED' }],
};

describe('an operation whose process is gone', () => {
  test('is ended by the same call, which then succeeds', async () => {
    const id = await beginAndVanish('1 hour');
    const { operation, subscription } = await toAlpha();
    expect(operation.status).toBe('SUCCEEDED');
    expect(subscription).toMatchObject({ status: 'ACTIVE', schemaName: `alpha_${tenant.slug}` });
    const seen = await lookAt(workshop.gateway, tenant.id);
    expect(seen.subscriptions[0]?.history).toMatchObject([{ id: operation.id }, { ...lost, id }]);
  });

  test('is ended when a gateway starts, and does not resolve', async () => {
    const id = await beginAndVanish('1 hour');
    await using _ = await openReplica();
    const [subscription] = (await lookAt(workshop.gateway, tenant.id)).subscriptions;
    expect(subscription).toMatchObject({ status: 'FAILED', history: [{ ...lost, id }] });
    expect(await resolve(workshop.gateway, tenant.id, 'alpha')).toBe('TENANT_NOT_READY');
    expect((await toAlpha()).operation.status).toBe('SUCCEEDED');
  });

  test('does not keep somebody else from marking what he made himself', async () => {
    await beginAndVanish('1 hour');
    const marked = await markProvisioned(workshop.gateway, { tenantId: tenant.id, module: 'alpha' });
    expect(marked).toMatchObject({ code: undefined, subscription: { status: 'ACTIVE' } });
  });

  test('is ended once, though two gateways find it at the same time', async () => {
    await beginAndVanish('1 hour');
    await using replica = await openReplica();
    const again = await Promise.all(
      [workshop.gateway, replica].map((gateway) =>
        subscribe(gateway, { tenantId: tenant.id, module: 'alpha' }),
      ),
    );
    expect(again.filter(({ operation }) => operation?.status === 'SUCCEEDED')).toHaveLength(1);
    const ended = await workshop.gateway.psql(
      `SELECT FROM registry_change WHERE tenant_id = $1 AND kind = 'subscription.failed'`,
      [tenant.id],
    );
    expect(ended).toHaveLength(1);
  });

  test('that was heard of just now is left alone, by the same call and by a gateway that starts', async () => {
    const id = await beginAndVanish('10 seconds');
    expect(await toAlpha()).toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
    await using replica = await openReplica();
    const { data } = await replica.ask(`{ operation(id: "${id}") { status finishedAt } }`);
    expect(data.operation).toEqual({ status: 'RUNNING', finishedAt: null });
    expect(await schemasAt(workshop.url('alpha'))).not.toContain(`alpha_${tenant.slug}`);
    await silence(id);
  });
});

describe('an operation whose process lives', () => {
  async function holdAlpha() {
    await workshop.write('alpha/0003_gate.sql', stopAtGate);
    onTestFinished(() => workshop.remove('alpha/0003_gate.sql'));
    return shutGate(workshop.url('alpha'));
  }

  test('says so while a migration takes its time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    await using gate = await holdAlpha();
    const running = toAlpha();
    await gate.reached();
    const id = await runningOperation(tenant.id);
    await silence(id);
    vi.advanceTimersByTime(5_000);
    await waitFor(async () => {
      const rows = await workshop.gateway.psql(
        `SELECT FROM operations WHERE id = $1 AND heartbeat_at > now() - interval '5 seconds'`,
        [id],
      );
      return rows.length === 1;
    });
    await gate.open();
    expect((await running).operation).toMatchObject({ id, status: 'SUCCEEDED' });
  });

  test('but was taken for lost, takes nothing away from who went on in its place', async () => {
    await using gate = await holdAlpha();
    const late = toAlpha();
    await gate.reached();
    await silence(await runningOperation(tenant.id));
    await using replica = await openReplica();
    const successor = subscribe(replica, { tenantId: tenant.id, module: 'alpha' });
    await standInLine(2);
    await gate.open();

    expect((await successor).operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await late).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('taken for lost'),
    });
    expect(await resolve(replica, tenant.id, 'alpha')).toBe(`schema alpha_${tenant.slug}`);
    expect(await tablesOf(workshop.url('alpha'), `alpha_${tenant.slug}`)).toContain('contact');
  });

  test('but was taken for lost, makes nothing after its successor has undone it', async () => {
    const slug = uniqueName('t');
    await workshop.write('alpha/0003_gate.sql', stopAtGate);
    onTestFinished(() => workshop.remove('alpha/0003_gate.sql'));
    await using gate = await shutGate(workshop.url('alpha'));
    const late = provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });
    await gate.reached();
    await silence(await runningOperation((await lookAt(workshop.gateway, slug)).id));
    await workshop.write('alpha/0003_gate.sql', brokenMigration);
    await using replica = await openReplica();
    const successor = provision(replica, { slug, modules: ['alpha', 'beta'] });
    await standInLine(2);
    await gate.open();
    await Promise.all([late, successor]);
    expect(await schemasAt(workshop.url('beta'))).not.toContain(`beta_${slug}`);
    expect(await resolve(replica, slug, 'beta')).toBe('TENANT_NOT_READY');
  });
});

test('a schema that an earlier attempt made is taken up as it stands', async () => {
  expect((await toAlpha()).operation.status).toBe('SUCCEEDED');
  await workshop.psql('alpha', `INSERT INTO alpha_${tenant.slug}.contact VALUES (1, 'Ada')`);
  const before = await photograph(workshop.url('alpha'), `alpha_${tenant.slug}`);
  await workshop.gateway.psql(
    `UPDATE module_subscriptions SET status = 'provisioning' WHERE tenant_id = '${tenant.id}'`,
  );
  await workshop.gateway.psql(
    `UPDATE operations SET status = 'running', finished_at = NULL, heartbeat_at = now() - interval '1 hour'
     WHERE tenant_id = '${tenant.id}'`,
  );
  expect((await toAlpha()).operation.status).toBe('SUCCEEDED');
  expect(await photograph(workshop.url('alpha'), `alpha_${tenant.slug}`)).toEqual(before);
});
