import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { subscribeTenantToModule } from '../../../src/provisioning/commands/subscribe-tenant-to-module.js';
import { suspendTenant } from '../../../src/provisioning/commands/suspend-tenant.js';
import type { CommandContext } from '../../../src/registry/command.js';
import { uniqueName } from '../../setup/database.js';
import { openGateway } from '../../setup/gateway.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { blockingStatement, blockMigrations, waitFor } from '../support/blocked-migration.js';
import { listSchemas, listTables, readSchemaContents } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { provision, readTenant, resolve, subscribe } from '../support/provisioning-calls.js';
import { silenceUntilTaken } from '../support/silence.js';

let testbed: GatewayWithModules;
let tenant: StoryTenant;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => testbed.close());
beforeEach(async () => {
  tenant = await aTenant().at(testbed.gateway);
});

const toAlpha = () => subscribe(testbed.gateway, { tenantId: tenant.id, module: 'alpha' });

/** Writes the rows of an operation whose process was killed this long ago. */
async function beginAndVanish(silence: string): Promise<string> {
  await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'alpha', provision: false });
  return vanish(silence);
}

async function vanish(silence: string): Promise<string> {
  await testbed.gateway.psql(
    `UPDATE module_subscriptions SET status = 'provisioning' WHERE tenant_id = '${tenant.id}'`,
  );
  const [operation] = await testbed.gateway.psql<{ id: string }>(
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
  await testbed.gateway.psql(`UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE id = $1`, [
    operationId,
  ]);
}

async function runningOperation(tenantId: string): Promise<string> {
  const [row] = await testbed.gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE tenant_id = $1 AND status = 'running'`,
    [tenantId],
  );
  return row?.id ?? '';
}

/** The sessions that wait in alpha's database: for the blocked migration, or for a session that runs it. */
async function sessionsInLine(): Promise<number[]> {
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await testbed.psql<{ pid: number }>('alpha', waiting)).map(({ pid }) => pid);
}

const standInLine = (count: number) => waitFor(async () => (await sessionsInLine()).length === count);

/** Another gateway on the same registry, which runs due operations. */
const openWorker = (takeOverAfterMs = 15_000) =>
  openGateway({
    sharing: testbed.gateway,
    config: { ...testbed.config, runsWorker: true, heartbeatMs: 5_000, takeOverAfterMs },
  });

async function endOf(operationId: string) {
  const ends = ['SUCCEEDED', 'FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'];
  const look = async () => {
    const { data } = await testbed.gateway.ask(
      `{ operation(id: "${operationId}") { id status error steps { name status } } }`,
    );
    return data.operation;
  };
  await waitFor(async () => ends.includes((await look()).status));
  return look();
}

const activations = () =>
  testbed.gateway.psql(
    `SELECT FROM registry_change WHERE tenant_id = $1 AND kind = 'subscription.activated'`,
    [tenant.id],
  );

describe('an operation whose process died', () => {
  test('is taken over and completed, and meanwhile the same call gets OPERATION_IN_PROGRESS', async () => {
    const id = await beginAndVanish('1 hour');
    expect(await toAlpha()).toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
    expect(await resolve(testbed.gateway, tenant.id, 'alpha')).toBe('TENANT_NOT_READY');
    await using _ = await openWorker();
    expect(await endOf(id)).toMatchObject({
      status: 'SUCCEEDED',
      error: null,
      steps: [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }],
    });
    const seen = await readTenant(testbed.gateway, tenant.id);
    expect(seen.subscriptions[0]).toMatchObject({ status: 'ACTIVE', history: [{ id }] });
    expect(await resolve(testbed.gateway, tenant.id, 'alpha')).toBe(`schema alpha_${tenant.slug}`);
  });

  test('keeps the name of the user who requested it', async () => {
    const id = await beginAndVanish('1 hour');
    await using _ = await openWorker();
    await endOf(id);
    const [change] = await testbed.gateway.psql(
      `SELECT actor FROM registry_change WHERE tenant_id = $1 AND kind = 'subscription.activated'`,
      [tenant.id],
    );
    expect(change).toEqual({ actor: 'somebody' });
  });

  test('is completed once, though two workers find it at the same time', async () => {
    const id = await beginAndVanish('1 hour');
    const workers = await Promise.all([openWorker(), openWorker()]);
    onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.close()))));
    expect((await endOf(id)).status).toBe('SUCCEEDED');
    expect(await activations()).toHaveLength(1);
  });

  test('with a recent heartbeat is not taken over', async () => {
    const id = await beginAndVanish('10 seconds');
    const recent = tenant;
    tenant = await aTenant().at(testbed.gateway);
    const old = await beginAndVanish('1 hour');
    await using _ = await openWorker();
    expect((await endOf(old)).status).toBe('SUCCEEDED');
    const { data } = await testbed.gateway.ask(`{ operation(id: "${id}") { status finishedAt } }`);
    expect(data.operation).toEqual({ status: 'RUNNING', finishedAt: null });
    expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${recent.slug}`);
  });
});

async function holdAlpha() {
  await testbed.write('alpha/0003_gate.sql', blockingStatement);
  onTestFinished(() => testbed.remove('alpha/0003_gate.sql'));
  return blockMigrations(testbed.url('alpha'));
}

describe('an operation that another worker takes between the commit of a command and its run', () => {
  /** A context whose command finds that worker at work. `letGo` ends the worker's wait when the command's own run has found it. */
  async function taken(
    isAtWork: () => Promise<void>,
    letGo: () => Promise<unknown>,
  ): Promise<CommandContext> {
    const other = await openGateway({
      sharing: testbed.gateway,
      config: { ...testbed.config, runsWorker: false },
    });
    onTestFinished(() => other.close());
    const context = testbed.gateway.app.commandsFor(developer);
    return {
      ...context,
      async runOperation(id, wait) {
        void other.app.commandsFor(developer).runOperation(id);
        await isAtWork();
        const revision = await context.runOperation(id, wait);
        expect(revision).toBeUndefined();
        await letGo();
        return revision;
      },
    };
  }

  test('has ended when the command answers', async () => {
    await using block = await holdAlpha();
    const context = await taken(() => block.untilBlocked(), block.release);
    const { operationId } = await subscribeTenantToModule(context, { tenantId: tenant.id, module: 'alpha' });
    const [row] = await testbed.gateway.psql('SELECT status::text FROM operations WHERE id = $1', [
      operationId,
    ]);
    expect(row).toEqual({ status: 'succeeded' });
  });

  test('has closed the guard when a suspension that waits for EVERYWHERE answers', async () => {
    await toAlpha();
    const holder = new pg.Client({ connectionString: testbed.url('alpha') });
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query('BEGIN');
    await holder.query('SELECT FROM tenant_guard.binding WHERE tenant_id = $1 FOR UPDATE', [tenant.id]);
    const context = await taken(
      () => standInLine(1),
      // Only after an answer that does not wait.
      async () => void setTimeout(() => holder.query('ROLLBACK'), 1_000),
    );
    await suspendTenant(context, { tenantId: tenant.id, reason: 'unpaid', wait: 'EVERYWHERE' });
    expect(
      await testbed.psql('alpha', `SELECT state FROM tenant_guard.binding WHERE tenant_id = '${tenant.id}'`),
    ).toEqual([{ state: 'suspended' }]);
  });
});

describe('an operation whose process is alive', () => {
  test('sends heartbeats during a long migration', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    await using block = await holdAlpha();
    const running = toAlpha();
    await block.untilBlocked();
    const id = await runningOperation(tenant.id);
    await silence(id);
    vi.advanceTimersByTime(5_000);
    await waitFor(async () => {
      const rows = await testbed.gateway.psql(
        `SELECT FROM operations WHERE id = $1 AND heartbeat_at > now() - interval '5 seconds'`,
        [id],
      );
      return rows.length === 1;
    });
    await block.release();
    expect((await running).operation).toMatchObject({ id, status: 'SUCCEEDED' });
  });

  test('but was taken over, makes no route visible that its successor does not', async () => {
    await using block = await holdAlpha();
    const late = toAlpha();
    await block.untilBlocked();
    const id = await runningOperation(tenant.id);
    await using _ = await openWorker();
    await silenceUntilTaken(testbed.gateway, id);
    await standInLine(2);
    await block.release();

    expect((await endOf(id)).status).toBe('SUCCEEDED');
    expect((await late).operation).toMatchObject({ id });
    expect(await resolve(testbed.gateway, tenant.id, 'alpha')).toBe(`schema alpha_${tenant.slug}`);
    expect(await listTables(testbed.url('alpha'), `alpha_${tenant.slug}`)).toContain('contact');
    expect(await activations()).toHaveLength(1);
  });

  test('but was taken over while it is frozen, loses its session in the schema', async () => {
    await using block = await holdAlpha();
    const late = toAlpha();
    await block.untilBlocked();
    const id = await runningOperation(tenant.id);
    const [frozen] = await sessionsInLine();
    await using _ = await openWorker();
    await silenceUntilTaken(testbed.gateway, id);
    await waitFor(async () => {
      const sessions = await sessionsInLine();
      return sessions.length === 1 && sessions[0] !== frozen;
    });
    await block.release();
    // The request waits for the worker that has taken its operation over.
    expect((await late).operation).toMatchObject({ id, status: 'SUCCEEDED' });
    expect(await activations()).toHaveLength(1);
  });

  test('but was taken over, creates nothing after its successor has undone it', async () => {
    const slug = uniqueName('t');
    await testbed.write('alpha/0003_gate.sql', blockingStatement);
    onTestFinished(() => testbed.remove('alpha/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('alpha'));
    const late = provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    await block.untilBlocked();
    const id = await runningOperation((await readTenant(testbed.gateway, slug)).id);
    await testbed.write('alpha/0003_gate.sql', brokenMigration);
    await using _ = await openWorker();
    await silenceUntilTaken(testbed.gateway, id);
    await standInLine(2);
    await block.release();
    await late;
    expect((await endOf(id)).status).toBe('COMPENSATED');
    expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);
    expect(await listSchemas(testbed.url('beta'))).not.toContain(`beta_${slug}`);
    expect(await resolve(testbed.gateway, slug, 'beta')).toBe('TENANT_NOT_READY');
  });
});

test('a schema that an earlier attempt created is used as it is', async () => {
  expect((await toAlpha()).operation.status).toBe('SUCCEEDED');
  await testbed.psql('alpha', `INSERT INTO alpha_${tenant.slug}.contact VALUES (1, 'Ada')`);
  const before = await readSchemaContents(testbed.url('alpha'), `alpha_${tenant.slug}`);
  const id = await vanish('1 hour');
  await using _ = await openWorker();
  expect((await endOf(id)).status).toBe('SUCCEEDED');
  expect(await readSchemaContents(testbed.url('alpha'), `alpha_${tenant.slug}`)).toEqual(before);
});
