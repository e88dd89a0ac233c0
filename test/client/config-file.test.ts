import { expect, test } from 'vitest';
import { createTenantRegistry } from '../../src/client/index.js';
import { aClientsFolder, clientYaml, importClients, writeClient } from '../importing/support/client-story.js';
import { openGateway } from '../setup/gateway.js';

test('a configuration still read from a file is requested each time, so the service sees a change of the file', async () => {
  const named = (name: string) => clientYaml('acme', `branding: { company_name: ${name} }`);
  const folder = await aClientsFolder({ acme: named('First') });
  await using gateway = await openGateway({ config: { clientsDir: folder } });
  await importClients(gateway, folder, { keepsSource: true });
  await gateway.psql(`INSERT INTO module_subscriptions (tenant_id, module, status)
    SELECT id, 'finance', 'active' FROM tenants`);
  const registry = createTenantRegistry({ url: gateway.url, module: 'finance' });
  try {
    const name = async () => (await registry.config('acme')).branding?.company_name;
    expect(await name()).toBe('First');
    await writeClient(folder, 'acme', named('Second'));
    await expect.poll(name, { timeout: 10_000 }).toBe('Second');
  } finally {
    await registry.close();
  }
});
