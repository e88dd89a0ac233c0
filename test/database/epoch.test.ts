import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { queryOnce } from './support/temporary-databases.js';

let registry: TestDatabase;
beforeAll(async () => {
  registry = await createRegistryDatabase();
});
afterAll(() => registry?.drop());

describe('the epoch', () => {
  const epochOf = async (url: string) => (await queryOnce(url, 'SELECT registry_epoch() AS epoch'))[0]?.epoch;

  test('stays the same through changes and for every connection', async () => {
    const before = await epochOf(registry.url);
    await queryOnce(registry.url, `INSERT INTO tenants (slug, name) VALUES ('acme', 'Acme')`);
    expect(await epochOf(registry.url)).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{16}$/);
  });

  test('differs in a copy of the database', async () => {
    const [one, two] = [await createRegistryDatabase(), await createRegistryDatabase()];
    const epochs = [await epochOf(registry.url), await epochOf(one.url), await epochOf(two.url)];
    expect(new Set(epochs).size).toBe(3);
    await one.drop();
    await two.drop();
  });

  test('differs when the head row is inserted again, as a restore does', async () => {
    const copy = await createRegistryDatabase();
    const before = await epochOf(copy.url);
    const [row] = await queryOnce(copy.url, 'SELECT incarnation FROM registry_head');
    await queryOnce(
      copy.url,
      `BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM registry_head; SET LOCAL session_replication_role = origin;
       INSERT INTO registry_head (revision, position, hash, incarnation, transaction_id, transaction_at)
       VALUES (1, 3, '', '${row?.incarnation}', 0, now()); COMMIT`,
    );
    expect(await epochOf(copy.url)).not.toBe(before);
    await copy.drop();
  });
});
