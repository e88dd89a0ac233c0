import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import {
  claimOperation,
  isCancelRequested,
  LostOperationError,
  updateHeld,
  updateStep,
} from '../../../src/provisioning/operations/operation.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { blockingStatement, blockMigrations } from '../support/blocked-migration.js';
import { listSchemas } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import {
  controlOperation,
  newestOperation,
  readOperation,
  watchProgress,
} from '../support/operation-calls.js';
import { provision, readTenant, resolve, subscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let slug: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
});

async function breakBeta(): Promise<void> {
  await testbed.write('beta/0003_half.sql', brokenMigration);
  onTestFinished(() => testbed.remove('beta/0003_half.sql'));
}

async function standing(): Promise<string[]> {
  const schemas = [...(await listSchemas(testbed.url('alpha'))), ...(await listSchemas(testbed.url('beta')))];
  return schemas.filter((name) => name.endsWith(slug));
}

describe('retryOperation', () => {
  test('runs a compensated operation again under the same names, as the same operation', async () => {
    await breakBeta();
    const failed = await provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    expect(failed.operation.status).toBe('COMPENSATED');
    expect(await standing()).toEqual([]);
    await testbed.write('beta/0003_half.sql', correctedMigration);

    const { operation } = await controlOperation(testbed.gateway, 'retryOperation', failed.operation.id);
    expect(operation).toMatchObject({
      ...{ id: failed.operation.id, status: 'SUCCEEDED', error: null, attempt: 2 },
      steps: [
        { status: 'SUCCEEDED', error: null },
        { status: 'SUCCEEDED', error: null },
        { status: 'SUCCEEDED' },
      ],
    });
    expect(await standing()).toEqual([`alpha_${slug}`, `beta_${slug}`]);
    expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
  });

  test('fails and undoes again until the cause is removed', async () => {
    await breakBeta();
    const failed = await provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    const { operation } = await controlOperation(testbed.gateway, 'retryOperation', failed.operation.id);
    expect(operation).toMatchObject({ status: 'COMPENSATED', attempt: 2 });
    expect(await standing()).toEqual([]);
  });

  test.each(['SUCCEEDED', 'superseded'])(
    'is refused as CONFLICT for an operation that is %s',
    async (what) => {
      if (what === 'superseded') await breakBeta();
      const tenant = await aTenant({ slug }).at(testbed.gateway);
      const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'beta' });
      if (what === 'superseded') {
        await testbed.write('beta/0003_half.sql', correctedMigration);
        await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'beta' });
      }
      expect(await controlOperation(testbed.gateway, 'retryOperation', operation.id)).toMatchObject({
        code: 'CONFLICT',
      });
      expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
    },
  );

  test('does not create storage for a tenant that was suspended since', async () => {
    await breakBeta();
    const tenant = await aTenant({ slug }).at(testbed.gateway);
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'beta' });
    await testbed.gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [tenant.id]);
    expect(await controlOperation(testbed.gateway, 'retryOperation', operation.id)).toMatchObject({
      code: 'TENANT_SUSPENDED',
    });
  });

  test('is refused for an unknown operation, with a remedy', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    const refused = await controlOperation(testbed.gateway, 'retryOperation', id);
    expect(refused).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(id) });
  });
});

describe('cancelOperation', () => {
  test('undoes a running operation before its next step, and a retry can run it again', async () => {
    await testbed.write('alpha/0003_gate.sql', blockingStatement);
    onTestFinished(() => testbed.remove('alpha/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('alpha'));
    const running = provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    await block.untilBlocked();
    const { id } = await readTenant(testbed.gateway, slug);
    const operationId = await newestOperation(testbed.gateway, id, 'provision_tenant');
    const cancelled = await controlOperation(testbed.gateway, 'cancelOperation', operationId);
    expect(cancelled).toMatchObject({ code: undefined, operation: { status: 'RUNNING' } });
    await block.release();

    expect((await running).operation).toMatchObject({ id: operationId, status: 'CANCELLED' });
    expect(await standing()).toEqual([]);
    expect(await resolve(testbed.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
    const { operation } = await controlOperation(testbed.gateway, 'retryOperation', operationId);
    expect(operation?.status).toBe('SUCCEEDED');
    expect(await standing()).toEqual([`alpha_${slug}`, `beta_${slug}`]);
  });

  test('ends a queued operation at once', async () => {
    const tenant = await aTenant({ slug }).subscribedTo('alpha').at(testbed.gateway);
    await testbed.gateway.ask(
      `mutation { deleteTenant(input: { tenantId: "${slug}" }) { revision }
                  purgeTenant(input: { tenantId: "${slug}" }) { operation { status } } }`,
    );
    const id = await newestOperation(testbed.gateway, tenant.id, 'purge_tenant');
    expect((await readOperation(testbed.gateway, id)).status).toBe('QUEUED');
    expect((await controlOperation(testbed.gateway, 'cancelOperation', id)).operation?.status).toBe(
      'CANCELLED',
    );
    expect(await standing()).toEqual([`alpha_${slug}`]);
  });

  test('is refused as CONFLICT for an operation that has ended, and for an update of guards', async () => {
    const tenant = await aTenant({ slug }).subscribedTo('alpha').at(testbed.gateway);
    const [{ history: [done] = [] } = {}] = (await readTenant(testbed.gateway, slug)).subscriptions;
    expect(await controlOperation(testbed.gateway, 'cancelOperation', done?.id ?? '')).toMatchObject({
      code: 'CONFLICT',
    });
    await testbed.gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [tenant.id]);
    const binding = await newestOperation(testbed.gateway, tenant.id, 'bind_storage');
    expect(await controlOperation(testbed.gateway, 'cancelOperation', binding)).toMatchObject({
      code: 'CONFLICT',
    });
  });
});

describe('operationProgress', () => {
  test('reports the progress of the operation, and ends with it', async () => {
    await testbed.write('alpha/0003_gate.sql', blockingStatement);
    onTestFinished(() => testbed.remove('alpha/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('alpha'));
    const running = provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    await block.untilBlocked();
    const { id } = await readTenant(testbed.gateway, slug);
    const operationId = await newestOperation(testbed.gateway, id, 'provision_tenant');
    const watching = watchProgress(testbed.gateway, operationId);
    setTimeout(() => void block.release(), 300);
    await running;
    const events = await watching;
    expect(events[0]).toEqual({ status: 'RUNNING', isEnd: false });
    expect(events.at(-1)).toEqual({ status: 'SUCCEEDED', isEnd: true });
    expect(events.filter(({ isEnd }) => isEnd)).toHaveLength(1);
  });

  test('of an operation that has ended sends one event', async () => {
    const { operation } = await provision(testbed.gateway, { slug, modules: ['alpha'] });
    expect(await watchProgress(testbed.gateway, operation.id)).toEqual([
      { status: 'SUCCEEDED', isEnd: true },
    ]);
  });

  test('of an unknown operation is refused', async () => {
    const { body } = await fetch(`${testbed.gateway.url}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'subscription { operationProgress(id: "nothing") { isEnd } }' }),
    });
    const text = await new Response(body).text();
    expect(text).toContain('NOT_FOUND');
    expect(text).toContain('there is no operation nothing');
  });
});

describe('an operation that another worker has taken over', () => {
  /** An operation with a step. Tests make two, to see that a request about one does not change the other. */
  async function anOperation(): Promise<string> {
    const [row] = await testbed.gateway.psql<{ id: string }>(
      `WITH operation AS (INSERT INTO operations (kind, actor) VALUES ('bind_storage', 'test') RETURNING id)
       INSERT INTO operation_steps (operation_id, position, name) SELECT id, 0, 'bind_storage' FROM operation
       RETURNING operation_id AS id`,
    );
    return row?.id ?? '';
  }

  test('rejects every further step of the first one, changes nothing for it, and belongs to the second', async () => {
    const context = testbed.gateway.app.commandsFor(developer);
    const claim = async (id: string) => {
      const held = await claimOperation(context, id, 0);
      if (!held) throw new Error('not claimed');
      return held;
    };
    const [id, otherId] = [await anOperation(), await anOperation()];
    const [first, other] = [await claim(id), await claim(otherId)];
    const readRow = () =>
      testbed.gateway.psql(
        `SELECT operations.xmin, operations.*, operation_steps.xmin AS of_step, operation_steps.*
         FROM operations JOIN operation_steps ON operation_id = id WHERE id = $1`,
        [id],
      );
    const uses = (held: typeof first): Record<string, () => Promise<unknown>> => ({
      requireHeld: () => held.requireHeld(),
      isCancelRequested: () => isCancelRequested(context, held),
      updateHeld: () => context.database.transaction((tx) => updateHeld(tx, held, { error: 'mine' })),
      updateStep: async () => {
        const [step] = held.steps;
        if (step) await updateStep(context, held, step, { status: 'RUNNING' });
      },
    });
    for (const use of Object.values(uses(first))) await use();
    await controlOperation(testbed.gateway, 'cancelOperation', otherId);
    expect(await isCancelRequested(context, first)).toBe(false);

    const second = await claim(id);
    const taken = await readRow();
    for (const [name, use] of Object.entries(uses(first)))
      await expect(use(), name).rejects.toThrow(LostOperationError);
    expect(await readRow()).toEqual(taken);
    for (const use of [...Object.values(uses(second)), ...Object.values(uses(other))]) await use();
  });
});

describe('an update of guards', () => {
  const psql = <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) =>
    testbed.gateway.psql<Row>(sql, values);

  test('has the steps that a change adds while the worker waits for its lock', async () => {
    const { id } = await aTenant().subscribedTo('alpha', 'beta').at(testbed.gateway);
    await psql('SELECT registry_enqueue_binding($1)', [id]);
    const [operation] = await psql<{ id: string }>(
      `SELECT id FROM operations WHERE tenant_id = $1 AND status = 'queued'`,
      [id],
    );
    await psql(`DELETE FROM operation_steps WHERE operation_id = $1 AND module = 'beta'`, [operation?.id]);
    const change = new pg.Client({ connectionString: testbed.gateway.registry.url });
    await change.connect();
    onTestFinished(() => change.end());
    await change.query('BEGIN');
    await change.query(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
    const context = testbed.gateway.app.commandsFor(developer);
    const claiming = claimOperation(context, operation?.id ?? '', 1_000);
    const waiting = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE operations%'`;
    // By another session: within a transaction pg_stat_activity shows what it showed first.
    await expect.poll(async () => (await psql(waiting)).length).toBe(1);
    await change.query('COMMIT');
    expect((await claiming)?.steps.map(({ moduleName }) => moduleName)).toEqual(['alpha', 'beta']);
  });

  test('shows the step that failed first as done after a retry, and no start of a step that never ran', async () => {
    const { id } = await aTenant().subscribedTo('alpha').at(testbed.gateway);
    const alpha = (sql: string) => queryOnce(testbed.url('alpha'), sql);
    await alpha('ALTER TABLE tenant_guard.binding RENAME TO binding_aside');
    onTestFinished(() =>
      alpha('ALTER TABLE IF EXISTS tenant_guard.binding_aside RENAME TO binding').then(() => undefined),
    );
    await psql('SELECT registry_enqueue_binding($1)', [id]);
    const [operation] = await psql<{ id: string }>(
      `SELECT id FROM operations WHERE tenant_id = $1 AND status = 'queued'`,
      [id],
    );
    const context = testbed.gateway.app.commandsFor(developer);
    await context.runOperation(operation?.id ?? '');
    const stepsNow = () =>
      psql(
        `SELECT operations.status, step.status AS step, step.error IS NULL AS "isRight", step.started_at IS NOT NULL AS "hasStarted"
         FROM operations JOIN operation_steps AS step ON operation_id = id WHERE id = $1`,
        [operation?.id],
      );
    expect(await stepsNow()).toEqual([
      { status: 'needs_attention', step: 'failed', isRight: false, hasStarted: true },
    ]);
    await alpha('ALTER TABLE tenant_guard.binding_aside RENAME TO binding');
    await controlOperation(testbed.gateway, 'retryOperation', operation?.id ?? '');
    expect(await stepsNow()).toEqual([
      { status: 'succeeded', step: 'succeeded', isRight: true, hasStarted: true },
    ]);

    await breakBeta();
    const failed = await provision(testbed.gateway, { slug, modules: ['beta', 'alpha'] });
    const neverRan = await psql<{ hasStarted: boolean }>(
      `SELECT started_at IS NOT NULL AS "hasStarted" FROM operation_steps WHERE operation_id = $1 AND status = 'cancelled'`,
      [failed.operation.id],
    );
    expect(neverRan).toEqual(neverRan.map(() => ({ hasStarted: false })));
    expect(neverRan.length).toBeGreaterThan(0);
  });
});
