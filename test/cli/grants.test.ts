import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

describe('grants at the command line', () => {
  let registry: TestDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    env = {
      DATABASE_URL: registry.url,
      FINANCE_DB_URL: 'postgres://prov:hidden@db.internal:6543/ledger',
      INVENTORY_DB_URL: 'postgres://pro%22v:hidden@/stock?host=/var/run/nowhere&port=6544',
      DBTOOLS_DB_URL: 'postgres://%2Fvar%2Frun%2Fnowhere/tools?user=tool&password=hidden',
    };
    // A start writes the database name of each variable to the registry.
    await runHere(['migrate'], env);
  });
  afterAll(() => registry?.drop());

  test('are printed for the databases in the environment, without their passwords', async () => {
    const { code, stdout, stderr } = await runHere(['grants'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('-- Server db.internal:6543, in database ');
    expect(stdout).toContain('GRANT pg_signal_backend TO "prov";');
    expect(stdout).toContain('GRANT "finance_tenants" TO "prov";');
    expect(stdout).toContain('-- Module operations is not ready: variable OPERATIONS_DB_URL is not set');
    expect(stdout).toMatch(
      /^-- Server \/var\/run\/nowhere\/\.s\.PGSQL\.6544, in database stock, .+ \(modules: inventory\)$/m,
    );
    expect(stdout).toContain('GRANT "inventory_tenants" TO "pro""v";');
    expect(stdout).toMatch(
      /^-- Server \/var\/run\/nowhere\/\.s\.PGSQL\.5432, in database tools, .+ \(modules: dbtools\)$/m,
    );
    expect(stdout).toContain('GRANT CONNECT, CREATE ON DATABASE "tools" TO "tool";');
    expect(stdout).not.toContain('hidden');
    expect(stdout).toContain(`in database ${registry.name}, as an administrator (the registry itself)`);
    expect(stdout).toContain(`GRANT CONNECT ON DATABASE "${registry.name}" TO registry_service, `);
  });

  test('of one module are printed as JSON', async () => {
    const { code, stdout } = await runHere(['grants', '--module', 'finance', '--json'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ server: 'db.internal:6543', modules: ['finance'] }]);
  });

  test('of an unknown module are refused', async () => {
    expect(await runHere(['grants', '--module', 'nothing'], env)).toMatchObject({
      ...{
        code: 1,
        stdout: '',
        stderr: 'MODULE_NOT_FOUND: No module is named "nothing"; registerModule adds one\n',
      },
    });
  });
});
