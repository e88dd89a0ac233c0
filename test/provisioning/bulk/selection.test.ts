import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRowReader } from '../../../src/database/statements/row-reader.js';
import { countSelected, readBulkSelection } from '../../../src/provisioning/bulk/selection.js';
import { createRegistryDatabase, type TestDatabase } from '../../setup/database.js';

let registry: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  pool = new pg.Pool({ connectionString: registry.url, max: 2 });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await pool?.end();
  await registry?.drop();
});

test.each([
  ['a field', { statuses: ['ACTIVE'] }, 'statuses'],
  ['a field beside a right one', { plan: ['PRO'], textt: 'acme' }, 'textt'],
  ['a field of a module', { modules: [{ module: 'finance', status: ['ACTIVE'] }] }, 'modules.0.status'],
  ['a field of a migration', { migration: { module: 'finance', at: '1', over: '1' } }, 'migration.over'],
])('a filter with %s of another name is refused, and the message has the name', (_, filter, field) => {
  expect(() => readBulkSelection({ tenantIds: undefined, filter })).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining(`${field}: is not a known field`),
    }),
  );
});

test('more tenants than a list counts are counted as a change would select them', async () => {
  // Triggers would take minutes to write an entry of the change log for each.
  await pool.query(
    `BEGIN; SET LOCAL session_replication_role = replica;
     INSERT INTO tenants (slug, name) SELECT 'many' || number, 'Many' FROM generate_series(1, 10050) AS number; COMMIT`,
  );
  const selection = readBulkSelection({ tenantIds: undefined, filter: { text: 'many' } });
  const readRows = createRowReader((text, values) => pool.query(text, values));
  expect(await countSelected({ readRows }, selection)).toEqual({ total: 10_050, isCapped: false });
});
