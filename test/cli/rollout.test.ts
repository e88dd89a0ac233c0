import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { runHere } from '../setup/command-line.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** Fails for one tenant: that whose schema has a contact. */
const needsNoContact = `DO $$ BEGIN IF EXISTS (SELECT FROM contact) THEN RAISE EXCEPTION 'a contact is in the way'; END IF; END $$;`;

describe('rollout at the command line', () => {
  let testbed: GatewayWithModules;
  let env: Record<string, string>;
  const tenants: StoryTenant[] = [];
  beforeAll(async () => {
    testbed = await openGatewayWithModules({ name: 'crm', migrations: contacts });
    env = {
      DATABASE_URL: testbed.gateway.registry.url,
      MODULES_DIR: testbed.modulesDir,
      ...testbed.config.serviceDatabaseUrls,
    };
    for (let at = 0; at < 4; at++) tenants.push(await aTenant().subscribedTo('crm').at(testbed.gateway));
  });
  afterAll(() => testbed?.close());

  const rollout = (...args: string[]) => runHere(['rollout', ...args], env);
  const read = async (...args: string[]) => {
    const { stdout } = await rollout(...args, '--json');
    return JSON.parse(stdout);
  };

  test('start migrates every tenant and says so, and another start finds nothing to do', async () => {
    await testbed.write('crm/0003_phones.sql', 'ALTER TABLE contact ADD COLUMN phone text;');
    const planned = await rollout('plan', 'crm');
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toContain('crm to crm/0003_phones.sql: 4 of 4 tenants are behind');
    expect(planned.stdout).toMatch(/crm\/0002_notes\.sql +4 +crm\/0003_phones\.sql/);
    expect(await read('plan', 'crm')).toMatchObject({
      ...{ module: 'crm', tenants: 4, behind: 4, problems: [], excluded: [] },
      versions: [{ version: 'crm/0002_notes.sql', tenants: 4, pending: ['crm/0003_phones.sql'] }],
    });
    const sql = await rollout('plan', 'crm', '--sql', tenants[0]?.slug ?? '');
    expect(sql.stdout).toMatch(
      /^-- Schema crm_\S+, now at crm\/0002_notes\.sql\.\n\n-- crm\/0003_phones\.sql\nALTER TABLE contact ADD COLUMN phone text;\n$/,
    );
    const { code, stdout, stderr } = await rollout('start', 'crm', '--canary', '1', '--waves', '2');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Rollout [0-9a-f-]{36}: crm to crm\/0003_phones\.sql: succeeded, 4 of 4 tenants migrated\.\n$/,
      ),
    });
    // Without a terminal, progress is lines of text.
    expect(stderr).toContain('crm to crm/0003_phones.sql: ');
    const shown = await read('status', 'crm');
    expect(shown).toMatchObject({
      ...{ module: 'crm', status: 'SUCCEEDED', pauseReason: null, targetVersion: 'crm/0003_phones.sql' },
      progress: {
        tenants: { total: 4, queued: 0, running: 0, succeeded: 4, failed: 0, blocked: 0, skipped: 0 },
      },
      failed: [],
    });
    expect(
      shown.progress.waves.map(
        ({ wave, tenants: { total } }: { wave: number; tenants: { total: number } }) => [wave, total],
      ),
    ).toEqual([
      [0, 1],
      [1, 2],
      [2, 1],
    ]);
    expect(shown.slowest).toHaveLength(4);
    const again = await rollout('start', 'crm', '--no-wait');
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no tenant of module crm is behind'),
    });
  });

  test('a failure pauses the rollout, which names the tenant and the way out; skip, resume, retry and cancel steer it', async () => {
    const [broken] = tenants as [StoryTenant];
    const schema = `crm_${broken.slug}`.replaceAll('-', '_');
    await testbed.psql('crm', `INSERT INTO ${schema}.contact (id, name) VALUES (1, 'Ada')`);
    await testbed.write('crm/0004_tags.sql', needsNoContact);
    const paused = await rollout('start', 'crm', '--canary-tenants', broken.slug);
    expect(paused.code).toBe(1);
    expect(paused.stdout).toContain(`${broken.slug}  failed in crm/0004_tags.sql: `);
    expect(paused.stdout).toContain('a contact is in the way');
    expect(paused.stdout).toContain('"rollout retry');
    expect(paused.stdout.match(/The error budget is spent: 1 of 4 tenants failed\./g)).toHaveLength(1);

    const text = await rollout('status', 'crm');
    expect(text.stdout).toMatch(/crm to crm\/0004_tags\.sql: paused, 0 of 4 tenants migrated, 1 failed/);
    expect(text.stdout.match(/The error budget is spent/g)).toHaveLength(1);
    expect(text.stdout).toMatch(/canary +1 +0 +0 +0 +1/);
    const other = await rollout('start', 'crm');
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONFLICT: .*wait for its end, or cancel it/),
    });

    // Still broken: the retry fails in the same place.
    expect((await rollout('retry', 'crm')).code).toBe(1);
    const skipped = await rollout('skip', 'crm', broken.slug, '--reason', 'moves next week');
    expect(skipped).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Rollout \S+ leaves the tenant out\.\n$/),
    });
    const resumed = await rollout('resume', 'crm');
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 of 4 tenants migrated, 1 skipped'),
    });
    expect(await rollout('resume', 'crm')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('only a paused one can be resumed'),
    });

    // The next rollout takes the tenant that was left out, and is cancelled.
    const begun = await read('start', 'crm', '--no-wait');
    expect(begun).toMatchObject({ status: 'RUNNING', progress: { tenants: { total: 1, queued: 1 } } });
    expect(await read('pause', begun.id, '--reason', 'lunch')).toMatchObject({
      status: 'PAUSED',
      pauseReason: 'lunch',
    });
    const cancelled = await read('cancel', begun.id);
    expect(cancelled).toMatchObject({ status: 'CANCELLED', progress: { tenants: { skipped: 1 } } });
    expect((await read('status')).map(({ id }: { id: string }) => id)).toContain(begun.id);
  });

  test.each([
    [['start', 'nothing'], /^MODULE_NOT_FOUND: No module is named "nothing"/],
    [['start', 'crm', '--canary', 'x'], /--canary <amount>.*Expected a whole number/],
    [
      ['start', 'crm', '--canary', '101%'],
      /^VALIDATION_ERROR: strategy\.canary\.percent: must be at most 100/,
    ],
    [
      ['start', 'crm', '--pause-after-canary'],
      /^VALIDATION_ERROR: strategy\.pauseAfterCanary: needs a canary/,
    ],
    [
      ['start', 'crm', '--canary-tenants', 'nobody'],
      /^VALIDATION_ERROR: strategy\.canary\.tenantIds\.0: tenant nobody is not behind/,
    ],
    [
      ['start', 'crm', '--parallelism', '1000'],
      /^VALIDATION_ERROR: strategy\.parallelism: must be at most 16/,
    ],
    [['plan', 'nothing'], /^MODULE_NOT_FOUND: /],
    [
      ['plan', 'crm', '--sql', 'nobody'],
      /^TENANT_NOT_FOUND: No tenant has the id, slug or external id "nobody"/,
    ],
    [
      ['status', 'nothing'],
      /^NOT_FOUND: id: module nothing has had no rollout: .*"rollout start nothing" begins one/,
    ],
    [['pause', '00000000-0000-4000-8000-000000000000'], /^NOT_FOUND: /],
    [['skip', 'crm'], /missing required argument 'tenant'/],
  ])('%j is refused with the way out', async (args, message) => {
    const { code, stdout, stderr } = await rollout(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
