import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { provisionTenant } from '../../../src/provisioning/commands/provision-tenant.js';
import { retryOperation } from '../../../src/provisioning/commands/retry-operation.js';
import { suspendTenant } from '../../../src/provisioning/commands/suspend-tenant.js';
import { unsubscribeTenantFromModule } from '../../../src/provisioning/commands/unsubscribe-tenant-from-module.js';
import { modules, query } from '../../interruption/provisioning-environment.js';
import { findBuildings, readCatalogs } from '../../interruption/tenant-state.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { uniqueName } from '../../setup/database.js';

vi.setConfig({ testTimeout: 60_000 });

let environment: TestEnvironment;
let slug: string;
beforeAll(async () => {
  environment = await openTestEnvironment();
  // The guard belongs to all tenants of a database and stays when one tenant fails.
  await provision(modules.SCHEMA, uniqueName('t'));
});
afterAll(() => environment.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const commands = () => environment.app.commandsFor(developer);

async function provision(names: readonly string[], as = slug) {
  return provisionTenant(commands(), { name: as, slug: as, adminEmail: 'a@example.com', modules: names });
}

async function lastOperation(of = slug): Promise<{ id: string; status: string; error: string | null }> {
  const [operation] = await environment.psql<{ id: string; status: string; error: string | null }>(
    `SELECT operations.id, operations.status::text, error FROM operations JOIN tenants ON tenants.id = tenant_id
     WHERE slug = $1 ORDER BY operations.created_at DESC LIMIT 1`,
    [of],
  );
  if (!operation) throw new Error(`tenant ${of} has no operation`);
  return operation;
}

/** Makes the database refuse until the test ends or the returned function is called. */
async function refuse(url: string, what: string): Promise<() => Promise<void>> {
  await query(
    url,
    `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
     CREATE FUNCTION public.refuse_command() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
     ${what}`,
  );
  let isRefused = true;
  const relent = async () => {
    if (!isRefused) return;
    isRefused = false;
    await query(url, `DROP FUNCTION public.refuse_command() CASCADE; DROP FUNCTION public.refuse() CASCADE`);
  };
  onTestFinished(relent);
  return relent;
}

const refusing = (command: string) =>
  `CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('${command}') EXECUTE FUNCTION public.refuse_command()`;
const refusingBinding = (verb: string) =>
  `CREATE TRIGGER refuse BEFORE ${verb} ON tenant_guard.binding FOR EACH ROW EXECUTE FUNCTION public.refuse()`;

describe('a tenant that fails permanently leaves all catalogs unchanged', () => {
  test.each([
    ['its schema cannot be made', refusing('CREATE SCHEMA')],
    ['its tables cannot be made', refusing('CREATE TABLE')],
    ['its binding cannot be made', refusingBinding('INSERT')],
    ['its binding cannot be told, when the schema is committed', refusingBinding('UPDATE')],
  ])('when %s in the second database', async (_when, how) => {
    const relent = await refuse(environment.urls.two, how);
    const before = await readCatalogs(environment, slug);
    await provision(modules.SCHEMA);
    expect(await lastOperation()).toMatchObject({ status: 'compensated' });
    expect(await readCatalogs(environment, slug)).toEqual(before);
    for (const module of modules.SCHEMA)
      expect(await environment.resolve(slug, module)).toBe('TENANT_NOT_READY');

    await relent();
    await provision(modules.SCHEMA);
    expect(await environment.resolve(slug, 'beta')).toBe(`schema beta_${slug}`);
  });

  test.each([
    ['SCHEMA', 'omega'],
    ['DATABASE', 'zeta'],
  ] as const)('when the last migration of the last module raises (%s)', async (isolation, failing) => {
    const before = await readCatalogs(environment, slug);
    await provision([...modules[isolation], failing]);
    expect(await lastOperation()).toMatchObject({
      status: 'compensated',
      error: expect.stringContaining('broken on purpose'),
    });
    expect(await readCatalogs(environment, slug)).toEqual(before);
  });

  test.each(['SCHEMA', 'DATABASE'] as const)(
    'when its route cannot be made visible (%s)',
    async (isolation) => {
      await refuse(
        environment.urls.registry,
        `CREATE TRIGGER refuse BEFORE UPDATE ON module_subscriptions FOR EACH ROW WHEN (NEW.status = 'active')
         EXECUTE FUNCTION public.refuse()`,
      );
      const before = await readCatalogs(environment, slug);
      await provision(modules[isolation]);
      expect(await lastOperation()).toMatchObject({ status: 'compensated' });
      expect(await readCatalogs(environment, slug)).toEqual(before);
    },
  );

  test('when a database of its name belongs to others', async () => {
    await query(environment.urls.two, `CREATE DATABASE delta_${slug}`);
    const before = await readCatalogs(environment, slug);
    await provision(modules.DATABASE);
    expect(await lastOperation()).toMatchObject({
      status: 'compensated',
      error: expect.stringMatching(/not made by the registry/),
    });
    expect(await readCatalogs(environment, slug)).toEqual(before);
    expect(await findBuildings(environment.urls.one)).toEqual([]);
  });
});

describe('an operation that cannot be undone and fails permanently waits for an operator, and continues on retry', () => {
  test('updating the guards of a suspended tenant', async () => {
    await provision(modules.SCHEMA);
    const relent = await refuse(environment.urls.two, refusingBinding('UPDATE'));
    const before = await readCatalogs(environment, slug);
    await suspendTenant(commands(), { tenantId: slug, reason: 'unpaid' });
    const operation = await lastOperation();
    expect(operation).toMatchObject({ status: 'needs_attention', error: expect.stringMatching(/not today/) });
    expect(await environment.resolve(slug, 'beta')).toBe('TENANT_SUSPENDED');
    expect(await readCatalogs(environment, slug)).toMatchObject({ two: (before as { two: object }).two });
    await relent();
    await retryOperation(commands(), { id: operation.id });
    expect(await lastOperation()).toMatchObject({ status: 'succeeded' });
    expect(await statesOf(environment.urls.two)).toEqual(['suspended']);
  });

  test('dropping data', async () => {
    await provision(modules.SCHEMA);
    await unsubscribeTenantFromModule(commands(), { tenantId: slug, module: 'beta', wait: 'EVERYWHERE' });
    await environment.psql(
      `UPDATE module_subscriptions SET purge_after = now() - interval '1 s' WHERE schema_name = $1`,
      [`beta_${slug}`],
    );
    const before = await readCatalogs(environment, slug);
    const relent = await refuse(
      environment.urls.two,
      `CREATE EVENT TRIGGER refuse ON sql_drop WHEN TAG IN ('DROP SCHEMA') EXECUTE FUNCTION public.refuse_command()`,
    );
    const guarded = await readCatalogs(environment, slug);
    await environment.recover(slug, { removals: true });
    const operation = await lastOperation();
    expect(operation).toMatchObject({ status: 'needs_attention', error: expect.stringMatching(/not today/) });
    expect(await readCatalogs(environment, slug)).toEqual(guarded);
    await relent();
    expect(await readCatalogs(environment, slug)).toEqual(before);
    await retryOperation(commands(), { id: operation.id });
    expect(await lastOperation()).toMatchObject({ status: 'succeeded' });
    expect(await statesOf(environment.urls.two)).toEqual([]);
    expect(await statesOf(environment.urls.one)).toEqual(['active']);
  });
});

async function statesOf(url: string): Promise<string[]> {
  const rows = await query<{ state: string }>(
    url,
    'SELECT state FROM tenant_guard.binding WHERE schema_name LIKE $1',
    [`%${slug}`],
  );
  return rows.map(({ state }) => state);
}
