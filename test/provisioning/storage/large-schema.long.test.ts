import { expect, test } from 'vitest';
import { createStorage, dropStorage } from '../../../src/provisioning/storage/storage.js';
import { openPostgresServer } from '../../setup/postgres-server.js';
import { aLargeSchema } from '../support/large-schema.js';

test('9,000 tables are dropped on a server with the default settings, also after a kill in between', async () => {
  await using server = await openPostgresServer({ shared_buffers: '128MB' });
  await server.query('CREATE DATABASE crm');
  const { databases, target, fill, loseAfter, parts, refuseWhole, exists, bindings } = await aLargeSchema(
    server.url('crm'),
  );
  await createStorage(databases, target);
  await fill('tables with an identity, a serial and an index', 9_000);
  expect(await refuseWhole()).toBe('53200');
  const before = await parts();
  loseAfter(60);
  await expect(dropStorage(databases, target)).rejects.toThrow('lost');
  expect([await exists(), await bindings()]).toEqual([true, [{ state: 'not_ready' }]]);
  expect(await parts()).toBeLessThan(before);
  loseAfter(Number.POSITIVE_INFINITY);
  const startedAt = performance.now();
  await dropStorage(databases, target);
  process.stderr.write(`dropped the rest in ${Math.round(performance.now() - startedAt)} ms\n`);
  expect([await exists(), await bindings()]).toEqual([false, []]);
});
