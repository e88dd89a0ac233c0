import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { waitFor } from '../../provisioning/support/blocked-migration.js';
import { openGateway } from '../../setup/gateway.js';
import { start } from '../../setup/process.js';
import { aClientsFolder, clientYaml, importClients } from '../support/client-story.js';
import { revisionOf } from '../support/legacy-story.js';

test('an import that is killed at random moments leaves no incomplete tenant, and the next run completes it', {
  timeout: 120_000,
}, async () => {
  await using gateway = await openGateway();
  const ids = Array.from({ length: 300 }, (_, at) => `shop-${at}`);
  const text = (id: string) => clientYaml(id, `branding: { company_name: ${id} Ltd, theme_id: dark }`);
  const folder = await aClientsFolder(Object.fromEntries(ids.map((id) => [id, text(id)])));
  const count = async () => (await gateway.psql('SELECT FROM tenants')).length;

  for (let before = 0, time = 0; time < 3; time++) {
    await using command = start(['import', 'yaml', folder], { DATABASE_URL: gateway.registry.url });
    let hasEnded = false;
    void command.ended.then(() => {
      hasEnded = true;
    });
    await waitFor(async () => hasEnded || (await count()) > before + 5);
    await delay(Math.random() * 50);
    await command.end('SIGKILL');
    before = await count();
    // The server rolls back the transaction of a killed process when it notices the lost connection.
    await waitFor(async () => {
      const [open] = await gateway.psql<{ count: string }>(
        `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      );
      return open?.count === '0';
    });
    const complete =
      await gateway.psql(`SELECT FROM tenants JOIN tenant_settings AS settings ON settings.tenant_id = id
      JOIN tenant_branding AS branding ON branding.tenant_id = id
      WHERE company_name = slug || ' Ltd' AND preset_theme = 'dark' AND tenant_config #>> '{branding,theme_id}' = 'dark'`);
    expect(complete).toHaveLength(await count());
  }
  const interrupted = await count();
  const report = await importClients(gateway, folder);
  const countOf = (wanted: string) => report.clients.filter(({ action }) => action === wanted).length;
  expect([countOf('unchanged'), countOf('create')]).toEqual([interrupted, ids.length - interrupted]);
  expect(await count()).toBe(ids.length);
  const revision = await revisionOf(gateway);
  const again = await importClients(gateway, folder);
  expect(new Set(again.clients.map(({ action }) => action))).toEqual(new Set(['unchanged']));
  expect(await revisionOf(gateway)).toBe(revision);
});
