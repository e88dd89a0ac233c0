import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { createRowReader } from '../../src/database/statements/row-reader.js';
import type { Log } from '../../src/log.js';
import { readTenantSelection } from '../../src/registry/lists/tenant-filter.js';
import { listTenantsBySlug } from '../../src/registry/lists/tenant-pages.js';
import { warnWithoutTextIndex } from '../../src/registry/lists/text-search.js';
import { aDatabase, aUser } from '../database/support/temporary-databases.js';

/** The warnings of a gateway's start. */
async function listWarnings(pool: pg.Pool): Promise<string[]> {
  const warnings: string[] = [];
  const log = { warn: (message: string) => warnings.push(message) } as unknown as Log;
  await warnWithoutTextIndex({ pool }, log);
  return warnings;
}

test('a registry whose owner may not create pg_trgm is searched without it, until the index is made', async () => {
  const owner = await aUser();
  const database = await aDatabase();
  const url = new URL(owner.url);
  url.pathname = new URL(database.url).pathname;
  // The owner of the tables may not create anything in the database itself.
  await database.query(`GRANT CREATE, USAGE ON SCHEMA public TO ${owner.name}`);
  await migrateRegistry(url.href, { readOnly: false, warn: () => undefined });
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  onTestFinished(() => pool.end());
  const readRows = createRowReader((text, values) => pool.query(text, values));
  const find = (text: string) =>
    listTenantsBySlug({ readRows }, readTenantSelection({ text }), { after: undefined, first: 10 });

  expect(await listWarnings(pool)).toEqual([expect.stringContaining('SELECT registry_index_text()')]);
  await pool.query(`INSERT INTO tenants (slug, name) VALUES ('acme', 'Acme Corp'), ('borg', 'The Borg')`);
  expect(await find('ME CO')).toHaveLength(1);
  expect((await pool.query('SELECT registry_index_text() AS made')).rows).toEqual([{ made: false }]);

  await database.query('CREATE EXTENSION pg_trgm');
  expect((await pool.query('SELECT registry_index_text() AS made')).rows).toEqual([{ made: true }]);
  expect(await listWarnings(pool)).toEqual([]);
  expect(await find('ME CO')).toHaveLength(1);
  expect(await find('bo')).toHaveLength(1);
});
