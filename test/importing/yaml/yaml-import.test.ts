import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { removeTestFolders } from '../../../src/importing/yaml/test-folders.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import {
  aClientsFolder,
  aCopyOfFixtures,
  clientYaml,
  entryOf,
  fixtures,
  importClients,
  outcomes,
  writeClient,
} from '../support/client-story.js';
import { revisionOf } from '../support/legacy-story.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

let count = 0;
const aSlug = () => `acme-${++count}`;

const tenantOf = async (id: string) => {
  const { data } = await gateway.ask(`{ tenant(id: "${id}") {
    name shortName status plan timezone currency primaryEmail gcpProjectId gcpDataset config configSource version
    settings { companyName supportEmail currency timezone emailFromName emailFromEmail version }
    branding { presetTheme logoUrl primaryColor secondaryColor accentColor version } } }`);
  return data.tenant;
};

describe('a folder of clients', () => {
  test('becomes tenants, except for templates, test tenants and invalid files, and a second import changes nothing', async () => {
    const planned = await importClients(gateway, fixtures, { isDryRun: true });
    expect(await gateway.psql('SELECT FROM tenants')).toEqual([]);
    const done = await importClients(gateway, fixtures);
    expect(outcomes(done)).toEqual(outcomes(planned));
    expect([planned.done, done.done]).toEqual([false, true]);
    expect(outcomes(done)).toEqual([
      'africastay: create',
      'beachresorts: create',
      'broken-yaml: fail',
      'example: leaveOut',
      'no-email: fail',
      'safariexplore-kvph: create',
      'safarirun-t0vc: create',
      'tn_2f1a_9c0: leaveOut',
      'tn_b7e_113: leaveOut',
    ]);
    expect(entryOf(done, 'broken-yaml').problems).toEqual([expect.objectContaining({ line: 3, column: 9 })]);
    const lines = entryOf(done, 'no-email').problems.map(({ path, line }) => `${path} ${line}`);
    expect(lines).toEqual(['client.currency 4', 'client.timezone 5']);
    expect(entryOf(done, 'no-email').warnings).toEqual([expect.objectContaining({ path: 'email.primary' })]);
    const replaced = (id: string) =>
      entryOf(done, id).secrets.map(({ path, reference }) => `${path} ${reference}`);
    expect(replaced('beachresorts')).toEqual([
      `infrastructure.supabase.anon_key \${BEACHRESORTS_SUPABASE_ANON_KEY}`,
      'infrastructure.supabase.service_key null',
      `infrastructure.sendgrid.api_key \${BEACHRESORTS_SENDGRID_API_KEY}`,
    ]);
    expect(replaced('safarirun-t0vc')).toEqual([`email.smtp.password \${SAFARIRUN_T0VC_SMTP_PASSWORD}`]);
    expect(replaced('africastay')).toEqual([
      `infrastructure.supabase.url \${AFRICASTAY_SUPABASE_URL}`,
      `infrastructure.supabase.anon_key \${AFRICASTAY_SUPABASE_ANON_KEY}`,
      'infrastructure.supabase.service_key null',
    ]);

    const revision = await revisionOf(gateway);
    const again = await importClients(gateway, fixtures);
    expect(new Set(again.clients.map(({ action }) => action))).toEqual(
      new Set(['unchanged', 'fail', 'leaveOut']),
    );
    expect(await revisionOf(gateway)).toBe(revision);
  });

  test('has every field mapped to its place', async () => {
    const folder = await aClientsFolder();
    await cp(join(fixtures, 'africastay'), join(folder, 'africastay'), { recursive: true });
    await importClients(gateway, folder);
    expect(await tenantOf('africastay')).toMatchObject({
      name: 'AfricaStay',
      shortName: 'AfricaStay',
      status: 'ACTIVE',
      plan: 'LITE',
      timezone: 'Africa/Johannesburg',
      currency: 'ZAR',
      primaryEmail: 'sales@africastay.example',
      gcpProjectId: 'africastay-analytics',
      gcpDataset: 'africastay_quotes',
      configSource: 'DATABASE',
      settings: {
        companyName: 'AfricaStay Travel',
        supportEmail: 'sales@africastay.example',
        currency: 'ZAR',
        timezone: 'Africa/Johannesburg',
        emailFromName: 'AfricaStay Quotes',
        emailFromEmail: 'quotes@africastay.example',
      },
      branding: {
        presetTheme: 'safari_gold',
        logoUrl: 'https://cdn.example.com/africastay/logo.svg',
        primaryColor: '#C8102E',
        secondaryColor: '#1F2A44',
        accentColor: '#F2A900',
      },
      config: {
        agents: { helpdesk: { prompt_file: 'prompts/helpdesk.txt' } },
        infrastructure: { vapi: { api_key: `\${VAPI_API_KEY}` } },
      },
    });
    const config = JSON.stringify((await tenantOf('africastay')).config);
    expect(config).not.toMatch(/service_key|"client"|SUPABASE_SERVICE/);
  });

  test('is reported with the problem of each invalid client', async () => {
    const folder = await aClientsFolder({ good: clientYaml('good'), large: `# ${'x'.repeat(1_048_576)}` });
    await writeClient(folder, 'latin', '');
    await writeFile(
      join(folder, 'latin/client.yaml'),
      Buffer.from(clientYaml('latin', 'x: caf\xe9'), 'latin1'),
    );
    await writeClient(folder, 'Shouting', clientYaml('Shouting'));
    await writeClient(folder, 'nothing', '');
    await symlink(fixtures, join(folder, 'elsewhere'));
    await writeClient(folder, 'bare', '');
    await rm(join(folder, 'bare/client.yaml'));
    await writeClient(folder, 'linked', '');
    await rm(join(folder, 'linked/client.yaml'));
    await symlink(join(fixtures, 'africastay/client.yaml'), join(folder, 'linked/client.yaml'));
    await writeFile(join(folder, 'README.md'), 'no client');
    const report = await importClients(gateway, folder);
    const reported = report.clients.map(({ id, action, why, problems }) => [
      id,
      action,
      why ?? problems[0]?.message,
    ]);
    expect(reported).toEqual([
      ['Shouting', 'fail', expect.stringMatching(/^must be lower-case/)],
      ['bare', 'fail', 'the folder has no client.yaml'],
      ['elsewhere', 'fail', 'is a symbolic link, which is not followed'],
      ['good', 'create', undefined],
      ['large', 'fail', 'client.yaml has more than 1048576 bytes'],
      ['latin', 'fail', 'client.yaml is not UTF-8: save it as UTF-8'],
      ['linked', 'fail', 'client.yaml is a symbolic link, which is not followed'],
      ['nothing', 'fail', 'is empty'],
    ]);
    await expect(importClients(gateway, folder, { only: ['nobody'] })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
    await expect(importClients(gateway, '/nonexistent')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  test('follows the links of a ConfigMap of Kubernetes, and no others', async () => {
    const folder = await aClientsFolder({ plain: clientYaml('plain') });
    const versions = '..2026_11_30_10_00_00.1';
    // A ConfigMap for one client, in its folder.
    await mkdir(join(folder, 'one', versions), { recursive: true });
    await writeFile(join(folder, 'one', versions, 'client.yaml'), clientYaml('one'));
    await symlink(versions, join(folder, 'one/..data'));
    await symlink('..data/client.yaml', join(folder, 'one/client.yaml'));
    // A ConfigMap for several clients, whose folders are links.
    for (const id of ['two', 'three']) {
      await mkdir(join(folder, versions, id), { recursive: true });
      await writeFile(join(folder, versions, id, 'client.yaml'), clientYaml(id));
      await symlink(`..data/${id}`, join(folder, id));
    }
    await writeFile(join(folder, versions, 'README.md'), 'no client');
    await symlink(versions, join(folder, '..data'));
    await symlink('..data/README.md', join(folder, 'README.md'));
    // Links to other places.
    await symlink('plain', join(folder, 'alias'));
    await symlink('..data/two', join(folder, 'wrong'));
    await symlink('nowhere', join(folder, 'dangling'));
    await symlink('circle', join(folder, 'circle'));
    await symlink('..', join(folder, 'above'));
    await mkdir(join(folder, 'file-of-another'));
    await symlink('../plain/client.yaml', join(folder, 'file-of-another/client.yaml'));
    await mkdir(join(folder, 'outside'));
    await symlink(join(fixtures, 'africastay/client.yaml'), join(folder, 'outside/client.yaml'));
    const report = await importClients(gateway, folder);
    const folderLink = 'is a symbolic link, which is not followed';
    expect(
      report.clients.map(({ id, action, why, problems }) => [id, action, why ?? problems[0]?.message]),
    ).toEqual([
      ['above', 'fail', folderLink],
      ['alias', 'fail', folderLink],
      ['circle', 'fail', folderLink],
      ['dangling', 'fail', folderLink],
      ['file-of-another', 'fail', `client.yaml ${folderLink}`],
      ['one', 'create', undefined],
      ['outside', 'fail', `client.yaml ${folderLink}`],
      ['plain', 'create', undefined],
      ['three', 'create', undefined],
      ['two', 'create', undefined],
      ['wrong', 'fail', folderLink],
    ]);
  });

  test('has no two clients imported whose secrets would share variables', async () => {
    const secret = 'email2: { password: hunter22 }';
    const folder = await aClientsFolder({
      'a-b': clientYaml('a-b', secret),
      a_b: 'email: { primary: hello@a-b.example }',
      ab: clientYaml('ab', secret),
    });
    const report = await importClients(gateway, folder);
    expect(outcomes(report)).toEqual(['a-b: fail', 'a_b: create', 'ab: create']);
    expect(entryOf(report, 'a-b').why).toContain('as those of tenant a_b');
  });
});

describe('a tenant whose configuration is in the registry', () => {
  const changed = (id: string) => clientYaml(id, 'branding: { company_name: Acme Ltd }');

  test('is left alone when the file differs; with force it is overwritten, and the differences are reported', async () => {
    const id = aSlug();
    const folder = await aClientsFolder({ [id]: clientYaml(id) });
    await importClients(gateway, folder);
    await writeClient(folder, id, changed(id));
    const before = await revisionOf(gateway);
    const left = await importClients(gateway, folder);
    expect(outcomes(left)).toEqual([`${id}: leaveAlone`]);
    expect(await revisionOf(gateway)).toBe(before);
    const differences = [
      { path: 'settings.companyName', before: id, after: 'Acme Ltd' },
      { path: 'config.branding', before: null, after: { company_name: 'Acme Ltd' } },
    ];
    expect(entryOf(left, id).differences).toEqual(differences);
    const forced = await importClients(gateway, folder, { force: true });
    expect(entryOf(forced, id)).toMatchObject({ action: 'update', differences });
    const { settings, branding } = await tenantOf(id);
    expect(settings).toMatchObject({ companyName: 'Acme Ltd', version: 2 });
    // Equal values are not written again.
    expect(branding.version).toBe(1);
  });

  test('comes from the file with keep-source, and from the registry after the next import without it', async () => {
    const id = aSlug();
    const folder = await aClientsFolder({ [id]: clientYaml(id) });
    await importClients(gateway, folder, { keepsSource: true });
    expect((await tenantOf(id)).configSource).toBe('YAML');
    await writeClient(folder, id, changed(id));
    expect(outcomes(await importClients(gateway, folder, { keepsSource: true }))).toEqual([`${id}: update`]);
    const taken = await importClients(gateway, folder);
    expect(entryOf(taken, id).differences).toEqual([
      { path: 'configSource', before: 'YAML', after: 'DATABASE' },
    ]);
    expect((await tenantOf(id)).configSource).toBe('DATABASE');
    expect(outcomes(await importClients(gateway, folder, { keepsSource: true }))).toEqual([
      `${id}: leaveAlone`,
    ]);
  });

  test.each([
    ['suspendTenant', { reason: 'unpaid' }, 'is suspended: resume it first'],
    ['deleteTenant', {}, 'is deleted: restore it with restoreTenant first'],
  ])('is left alone after %s, with or without force', async (name, more, why) => {
    const id = aSlug();
    const folder = await aClientsFolder({ [id]: clientYaml(id) });
    await importClients(gateway, folder);
    await mutate(gateway, name, { tenantId: id, ...more });
    expect(outcomes(await importClients(gateway, folder))).toEqual([`${id}: unchanged`]);
    await writeClient(folder, id, changed(id));
    const { action, why: reason } = entryOf(await importClients(gateway, folder, { force: true }), id);
    expect({ action, reason }).toEqual({ action: 'leaveAlone', reason: expect.stringContaining(why) });
  });
});

describe('test tenants', () => {
  const remove = (folder: string, options: { answer?: boolean; isDryRun?: boolean } = {}) => {
    const { answer = true, isDryRun = false } = options;
    const context = gateway.app.commandsFor(developer);
    return removeTestFolders(context, { folder, only: [], isDryRun, confirm: async () => answer });
  };

  test('are imported on request; the template never is', async () => {
    const report = await importClients(gateway, fixtures, { includesTests: true });
    expect(outcomes(report).filter((line) => /^(tn_|example)/.test(line))).toEqual([
      'example: leaveOut',
      'tn_2f1a_9c0: create',
      'tn_b7e_113: create',
    ]);
  });

  test('are deleted after confirmation; targets of links, served files and the template are kept', async () => {
    const folder = await aCopyOfFixtures();
    const outside = await aClientsFolder({ kept: clientYaml('kept') });
    await symlink(outside, join(folder, 'tn_link'));
    await symlink(outside, join(folder, 'tn_2f1a_9c0/link'));
    await writeClient(folder, 'tn_served', clientYaml('tn_served').replace('tn_served.', 'served.'));
    await importClients(gateway, folder, { only: ['tn_served'], includesTests: true, keepsSource: true });
    const all = await readdir(folder);
    const tests = ['tn_2f1a_9c0', 'tn_b7e_113'];
    expect((await remove(folder, { answer: false })).removed).toEqual([]);
    expect((await remove(folder, { isDryRun: true })).removed).toEqual(tests);
    expect(await readdir(folder)).toEqual(all);
    const { removed, kept } = await remove(folder);
    expect(removed).toEqual(tests);
    expect(kept.map(({ id }) => id)).toEqual(['tn_link', 'tn_served']);
    expect(await readdir(folder)).toEqual(all.filter((name) => !tests.includes(name)));
    expect(await readdir(outside)).toEqual(['kept']);
  });
});
