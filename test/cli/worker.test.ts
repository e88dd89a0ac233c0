import { describe, expect, test } from 'vitest';
import { createRegistryDatabase } from '../setup/database.js';
import { aDataDir, start } from '../setup/process.js';

describe('tenant-registry worker', () => {
  test('answers at ADMIN_PORT whether it is ready, and with its metrics', async () => {
    const registry = await createRegistryDatabase();
    const env = { DATABASE_URL: registry.url, DATA_DIR: await aDataDir() };
    await using worker = start(['worker'], { ...env, ADMIN_PORT: '0' });
    const { admin } = (await worker.logged('working')) as unknown as { admin: string };
    // A loaded machine may take longer than the two seconds that a check has.
    for (const path of ['/health', '/startup', '/ready'])
      await expect.poll(async () => (await fetch(`${admin}${path}`)).status, { message: path }).toBe(200);
    const text = await (await fetch(`${admin}/metrics`)).text();
    expect(text).toContain('# TYPE tenant_registry_operation_queue_depth gauge');
    expect(text).toContain('database="registry",pool="rows"');
    expect((await fetch(`${admin}/graphql`)).status).toBe(404);
    expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 });
    await registry.drop();
  });
});
