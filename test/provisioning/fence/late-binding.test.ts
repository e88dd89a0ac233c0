import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openApp } from '../../../src/app.js';
import { developer } from '../../../src/auth/caller.js';
import { openLog } from '../../../src/log.js';
import { provisionTenant } from '../../../src/provisioning/commands/provision-tenant.js';
import { resumeTenant } from '../../../src/provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../../../src/provisioning/commands/suspend-tenant.js';
import { applyLock } from '../../../src/provisioning/fence/guard-sql.js';
import { modules, queryOnce } from '../../interruption/provisioning-environment.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { startWorker } from '../../interruption/worker-process.js';
import { uniqueName } from '../../setup/database.js';
import { openTcpProxy, type TcpProxy } from '../../setup/tcp-proxy.js';
import { waitFor } from '../support/blocked-migration.js';

vi.setConfig({ testTimeout: 90_000 });

/** The staleness bound of this gateway. */
const stalenessMs = 1_500;

let environment: TestEnvironment;
/** A proxy between this gateway and the second service database. */
let network: TcpProxy;
/** A direct connection to that database. */
let direct: string;
let slug: string;
beforeAll(async () => {
  const through = async ({ two }: { two: string }) => {
    direct = two;
    network = await openTcpProxy(Number(new URL(two).port));
    return { two: two.replace(/:\d+\//, `:${network.port}/`) };
  };
  environment = await openTestEnvironment(through, { stalenessMs });
});
afterAll(async () => {
  await environment.close();
  await network.close();
});
beforeEach(async () => {
  slug = uniqueName('t');
  const input = { name: slug, slug, adminEmail: 'a@example.com', modules: [...modules.SCHEMA] };
  await provisionTenant(here(), input);
});

const here = () => environment.app.commandsFor(developer);
const suspension = () => ({ tenantId: slug, reason: 'unpaid' });

/** The tenant’s binding in the second database. */
async function guard(): Promise<{ state: string; revision: string } | undefined> {
  const [binding] = await queryOnce<{ state: string; revision: string }>(
    direct,
    'SELECT state, revision FROM tenant_guard.binding WHERE schema_name = $1',
    [`beta_${slug}`],
  );
  return binding;
}

/** SQL of a trigger that records each opening of the tenant’s binding. */
function watchOpening(of: string): string {
  return `CREATE TABLE opened (state text);
    CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.opened VALUES (NEW.state); RETURN NULL; END $$;
    CREATE TRIGGER opening AFTER UPDATE ON tenant_guard.binding FOR EACH ROW
    WHEN (NEW.state = 'active' AND NEW.schema_name = 'beta_${of}') EXECUTE FUNCTION write_down()`;
}

async function bindings(): Promise<string[]> {
  const rows = await environment.psql<{ status: string }>(
    `SELECT status::text FROM operations WHERE kind = 'bind_storage' AND tenant_id = (SELECT id FROM tenants WHERE slug = $1)`,
    [slug],
  );
  return rows.map(({ status }) => status);
}

/** A gateway on the same registry that reaches all databases. */
async function openOther() {
  const { config } = environment.app;
  const serviceDatabaseUrls = { ...config.serviceDatabaseUrls, BETA_DB_URL: direct };
  const app = await openApp({ ...config, serviceDatabaseUrls }, openLog('silent'), { exclusive: true });
  onTestFinished(() => app.close());
  return app.commandsFor(developer);
}

describe('a suspension while a service database', () => {
  test.each(['refuses', 'does not answer'])(
    '%s answers within the staleness bound, and reaches that database when it is back',
    async (fault) => {
      await (fault === 'refuses' ? network.cut() : network.blackhole());
      onTestFinished(() => network.heal());
      const since = performance.now();
      await suspendTenant(here(), suspension());
      expect(performance.now() - since).toBeLessThan(stalenessMs + 1_000);
      expect(await environment.resolve(slug, 'beta')).toBe('TENANT_SUSPENDED');
      expect((await bindings())[0]).toMatch(/^(queued|running)$/);
      expect(await guard()).toMatchObject({ state: 'active' });
      await network.heal();
      await environment.recover(slug);
      expect(await guard()).toMatchObject({ state: 'suspended' });
      expect(await bindings()).toEqual(['succeeded']);
    },
  );
});

describe('a late write of a binding', () => {
  test('by a worker that was frozen during a suspension does not undo the resume after it', async () => {
    await using worker = await startWorker({ ...environment.env, BETA_DB_URL: direct });
    const keeper = new pg.Client({ connectionString: direct });
    await keeper.connect();
    onTestFinished(() => keeper.end());
    await keeper.query(`SELECT pg_advisory_lock(${applyLock('$1')})`, [`beta_${slug}`]);
    await suspendTenant(
      { ...here(), runOperation: async () => undefined },
      { ...suspension(), wait: 'COMMITTED' },
    );
    await waitFor(async () => {
      const { rowCount } = await keeper.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
      );
      return rowCount === 1;
    });
    worker.freeze();
    // The frozen worker has been granted the lock that it waited for, and does not know it yet.
    await keeper.query('SELECT pg_advisory_unlock_all()');
    await resumeTenant(here(), { tenantId: slug });
    await environment.recover(slug);
    const open = await guard();
    expect(open).toMatchObject({ state: 'active' });
    expect(await environment.resolve(slug, 'beta')).toBe(`schema beta_${slug}`);

    worker.thaw();
    const resumed = slug;
    slug = uniqueName('t');
    await provisionTenant(
      { ...here(), runOperation: async () => undefined },
      { name: slug, slug, adminEmail: 'a@example.com', modules: [...modules.SCHEMA] },
    );
    // The worker continues.
    await waitFor(async () => (await environment.resolve(slug, 'beta')) === `schema beta_${slug}`);
    slug = resumed;
    expect(await guard()).toEqual(open);
    expect(new Set(await bindings())).toEqual(new Set(['succeeded']));
  });

  test('by a resume that could not open a guard in time does not open it after the next suspension', async () => {
    const there = await openOther();
    await suspendTenant(here(), suspension());
    expect(await guard()).toMatchObject({ state: 'suspended' });
    network.blackhole();
    onTestFinished(() => network.heal());
    await resumeTenant(here(), { tenantId: slug });
    expect(await environment.resolve(slug, 'alpha')).toBe(`schema alpha_${slug}`);
    await suspendTenant(there, suspension());
    expect(await guard()).toMatchObject({ state: 'suspended' });
    // Not even for a moment: the trigger sees every version of the row.
    await queryOnce(direct, watchOpening(slug));
    await network.heal();
    await environment.recover(slug);
    // The opening is not part of an operation that the test could wait for.
    await delay(1_000);
    expect(await queryOnce(direct, 'SELECT state FROM opened')).toEqual([]);
    expect(await guard()).toMatchObject({ state: 'suspended' });
  });
});

describe('guards follow a change by SQL', () => {
  test('of a tenant', async () => {
    await environment.psql(`UPDATE tenants SET status = 'suspended' WHERE slug = $1`, [slug]);
    await environment.recover(slug);
    expect(await guard()).toMatchObject({ state: 'suspended' });
    await environment.psql(`UPDATE tenants SET status = 'active' WHERE slug = $1`, [slug]);
    await environment.recover(slug);
    expect(await guard()).toMatchObject({ state: 'active' });
  });

  test('of a subscription', async () => {
    await environment.psql(`UPDATE module_subscriptions SET status = 'cancelled' WHERE schema_name = $1`, [
      `beta_${slug}`,
    ]);
    await environment.recover(slug);
    expect(await guard()).toMatchObject({ state: 'closed' });
    expect(await environment.resolve(slug, 'alpha')).toBe(`schema alpha_${slug}`);
  });
});
