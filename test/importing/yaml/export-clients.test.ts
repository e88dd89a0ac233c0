import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { developer } from '../../../src/auth/caller.js';
import { type ClientExportRequest, exportClients } from '../../../src/importing/yaml/export-clients.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aFolder } from '../../setup/process.js';
import { aTenant } from '../../setup/stories.js';
import { aClientsFolder, aCopyOfFixtures, importClients, outcomes } from '../support/client-story.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const write = (folder: string, options: Partial<ClientExportRequest> = {}) =>
  exportClients(gateway.app.commandsFor(developer), { folder, only: [], force: false, ...options });

const actionsOf = ({ clients }: Awaited<ReturnType<typeof write>>) =>
  clients.map(({ slug, action }) => `${slug}: ${action}`);

const readClient = async (folder: string, slug: string) =>
  parse(await readFile(join(folder, slug, 'client.yaml'), 'utf8'));

test('the files of imported tenants can be imported again without a change, and hold no secret', async () => {
  await importClients(gateway, await aCopyOfFixtures(), { includesTests: true });
  const unknown = await aClientsFolder({
    unknown: `client: { name: Unknown Keys, colour: red }
loyalty: { tier: gold, levels: [1, 2] }
consultants: [{ id: c1, name: Ann, phone: "123" }, { id: c2, name: Bob }]
email: { primary: hello@unknown.example, footer: Regards }
branding: { logo_url: null }
extensions: { branding: { primary_color: kept apart } }`,
  });
  await importClients(gateway, unknown);
  const folder = await aFolder();
  const { clients, secrets } = await write(folder);
  expect(secrets).toEqual([]);
  expect(new Set(clients.map(({ action }) => action))).toEqual(new Set(['create']));
  const again = await importClients(gateway, folder, { includesTests: true });
  expect(outcomes(again)).toEqual(clients.map(({ slug }) => `${slug}: unchanged`));
  expect(await readClient(folder, 'unknown')).toEqual({
    client: { id: 'unknown', name: 'Unknown Keys', timezone: 'UTC', currency: 'USD', colour: 'red' },
    loyalty: { tier: 'gold', levels: [1, 2] },
    consultants: [
      { id: 'c1', name: 'Ann', phone: '123' },
      { id: 'c2', name: 'Bob' },
    ],
    email: { primary: 'hello@unknown.example', footer: 'Regards' },
    branding: { logo_url: null },
    extensions: { branding: { primary_color: 'kept apart' } },
  });
  const text = await readFile(join(folder, 'beachresorts', 'client.yaml'), 'utf8');
  expect(text).toContain(`\${BEACHRESORTS_`);
});

test('an edit in the registry replaces the written file, but no file that somebody else has written', async () => {
  const { id, slug } = await aTenant({ slug: 'edited-client' }).at(gateway);
  const folder = await aFolder();
  const only = [slug];
  expect(actionsOf(await write(folder, { only }))).toEqual(['edited-client: create']);
  await mutate(gateway, 'addTenantExternalId', { tenantId: id, externalId: 'tn_edited' });
  for (const same of [only, [id], ['tn_edited'], [slug, 'tn_edited']])
    expect(actionsOf(await write(folder, { only: same }))).toEqual(['edited-client: unchanged']);
  await mutate(gateway, 'updateTenantBranding', { tenantId: id, primaryColor: '#1f2a44' });
  await mutate(gateway, 'updateTenantSettings', { tenantId: id, emailFromName: 'Quotes' });
  expect(actionsOf(await write(folder, { only }))).toEqual(['edited-client: replace']);
  expect(await readClient(folder, slug)).toMatchObject({
    branding: { primary_color: '#1f2a44' },
    email: { sendgrid: { from_name: 'Quotes' } },
  });
  const file = join(folder, slug, 'client.yaml');
  await writeFile(file, 'client: { name: By hand }');
  expect(actionsOf(await write(folder, { only }))).toEqual(['edited-client: leaveAlone']);
  expect(await readFile(file, 'utf8')).toBe('client: { name: By hand }');
  expect(actionsOf(await write(folder, { only, force: true }))).toEqual(['edited-client: replace']);
  await mutate(gateway, 'deleteTenant', { tenantId: id });
  expect(actionsOf(await write(folder, { only }))).toEqual(['edited-client: leaveOut']);
  // Nothing is written when one of several is wrong.
  const unwritten = join(await aFolder(), 'unwritten');
  await expect(write(unwritten, { only: [slug, 'nobody'] })).rejects.toThrow('there is no tenant nobody');
  await expect(readdir(unwritten)).rejects.toThrow('ENOENT');
});

test('a file without an e-mail address is imported with a warning', async () => {
  const folder = await aClientsFolder({ silent: 'client: { name: Silent }' });
  const { clients } = await importClients(gateway, folder);
  expect(clients).toMatchObject([{ id: 'silent', action: 'create', warnings: [{ path: 'email.primary' }] }]);
  expect(await gateway.psql(`SELECT primary_email FROM tenants WHERE slug = 'silent'`)).toEqual([
    { primary_email: null },
  ]);
});
