import { expect, test } from 'vitest';
import { aDatabase, queryOnce } from '../../database/support/temporary-databases.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { countFromNow, stopCounting } from '../../setup/interrupt-at.js';
import { promiseSeed, seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';
import { legacySchema, revisionOf, takeOver } from '../support/legacy-story.js';
import { finish, undo } from '../support/move-story.js';
import { outcomesOf, pythonTables } from '../support/platform-story.js';

/** Two tenants with everything: an active one with storage, and a deleted one. */
async function aPlatform(gateway: TestGateway, name: string): Promise<string> {
  const platform = await aDatabase();
  await platform.query(`${pythonTables}
    INSERT INTO tenants (id, name, plan, primary_email, tenant_config, created_at, deleted_at) VALUES
      ('${name}', 'Whole', 'pro', 'a@a.example', '{"email": {"primary": "a@a.example", "smtp": {"password": "Zx9#kQ2!vv81"}}}', '2023-01-01', NULL),
      ('${name.toUpperCase()}-GONE', 'Gone', 'lite', NULL, '{}', '2023-01-01', '2024-01-01');
    INSERT INTO tenant_settings (tenant_id, website) VALUES ('${name}', 'https://a.example.com');
    INSERT INTO tenant_branding (tenant_id, color_primary) VALUES ('${name}', '#111111');
    INSERT INTO organization_users (tenant_id, auth_user_id, email, role) VALUES ('${name}', gen_random_uuid(), 'ann@a.example', 'admin');
    INSERT INTO user_invitations (tenant_id, email, expires_at) VALUES ('${name}', 'bob@a.example', now() + interval '5 days');
    CREATE TABLE tenant_module_log (id int, tenant_id text, module text, action text, status text, created_at timestamptz);
    INSERT INTO tenant_module_log VALUES (1, '${name}', 'operations', 'provision', 'failed', '2023-01-02'), (2, '${name}', 'operations', 'provision', 'success', '2023-01-03')`);
  await gateway.psqlIn('operations', legacySchema(`tenant_${name}`));
  return platform.url;
}

async function stateOf(gateway: TestGateway, name: string): Promise<unknown> {
  const tenants = await gateway.psql(
    `SELECT replace(slug, $1, 'it') AS slug, status, plan, primary_email, created_at, deleted_at, suspended_reason LIKE 'deleted in %' AS is_gone,
       replace(tenant_config::text, upper($1), 'IT') AS config, website, primary_color,
       ARRAY(SELECT email || ' ' || role || ' ' || members.status || ' ' || (subject IS NOT NULL) || ' ' || (SELECT count(*) FROM invitations WHERE member_id = members.id)
             FROM members WHERE tenant_id = tenants.id ORDER BY email) AS members,
       ARRAY(SELECT replace(external_id, upper($1), 'IT') FROM tenant_external_ids WHERE tenant_id = tenants.id) AS external_ids,
       ARRAY(SELECT action || ' ' || log.status FROM tenant_module_log AS log WHERE log.tenant_id = tenants.id AND performed_by LIKE 'before%' ORDER BY created_at) AS log,
       ARRAY(SELECT module || ' ' || s.status FROM module_subscriptions AS s WHERE s.tenant_id = tenants.id) AS subscriptions
     FROM tenants JOIN tenant_settings ON tenant_settings.tenant_id = tenants.id JOIN tenant_branding ON tenant_branding.tenant_id = tenants.id
     WHERE slug LIKE $1 || '%' ORDER BY slug`,
    [name],
  );
  return tenants;
}

/** Every statement, or every ninth one from a random first. */
const stride = sizeOf({ usual: 9, full: 1 });
/** How long a test may take, in milliseconds. */
const timeout = sizeOf({ usual: 1_200_000, full: 5_400_000 });

test('an import that loses its connection at any statement goes on with the next run, and does nothing twice', {
  timeout,
}, async () => {
  promiseSeed();
  await using gateway = await openGateway();
  const from = await aPlatform(gateway, 'whole');
  await takeOver(gateway, { from });
  const expected = await stateOf(gateway, 'whole');
  expect(expected).toHaveLength(2);
  for (const moment of ['before', 'after'] as const)
    for (let at = 1 + (seed % stride); ; at += stride) {
      const name = `${moment}${at}x`;
      const url = await aPlatform(gateway, name);
      countFromNow({ at, moment, how: 'cut' });
      await takeOver(gateway, { from: url }).catch(() => undefined);
      const { length } = stopCounting();
      // The worker takes over what the process has begun.
      await gateway.psql(
        `UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE status = 'running'`,
      );
      await takeOver(gateway, { from: url });
      expect({ at: `${moment} ${at}`, state: await stateOf(gateway, name) }).toEqual({
        at: `${moment} ${at}`,
        state: expected,
      });
      const revision = await revisionOf(gateway);
      const again = await takeOver(gateway, { from: url });
      expect(outcomesOf(again).filter((one) => one.startsWith(name))).toEqual([
        `${name}: unchanged`,
        `${name}-gone: unchanged`,
      ]);
      expect(await revisionOf(gateway)).toBe(revision);
      if (length < at) break;
    }
});

/** Edits of the platform and of the registry since the first import, with one of each in every part. */
async function edit(gateway: TestGateway, url: string, name: string): Promise<void> {
  await queryOnce(
    url,
    `UPDATE tenants SET plan = 'enterprise', status = 'suspended', suspended_reason = 'unpaid' WHERE id = '${name}';
     UPDATE tenant_settings SET website = NULL; UPDATE tenant_branding SET color_primary = '#222222';
     UPDATE organization_users SET role = 'member'; INSERT INTO organization_users (tenant_id, auth_user_id, email) VALUES ('${name}', gen_random_uuid(), 'cid@a.example');
     INSERT INTO user_invitations (tenant_id, email, expires_at) VALUES ('${name}', 'dan@a.example', now() + interval '5 days');
     INSERT INTO tenant_module_log VALUES (3, '${name}', 'operations', 'provision', 'success', '2023-01-04')`,
  );
  await gateway.psql(`UPDATE tenants SET primary_email = 'registry@a.example' WHERE slug = $1`, [name]);
}

/** A move takes several seconds, most of it in statements that the test above cuts as well. */
const strideOfMoves = sizeOf({ usual: 23, full: 1 });

test('edits that are followed, and the end of the move, go on after a cut at any statement, and nothing happens twice', {
  timeout,
}, async () => {
  promiseSeed();
  await using gateway = await openGateway();
  const isFree = () =>
    gateway.psql(`UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE status = 'running'`);
  const prepare = async (name: string) => {
    const from = await aPlatform(gateway, name);
    await takeOver(gateway, { from });
    await edit(gateway, from, name);
    return from;
  };
  await finish(gateway, { from: await prepare('moved') });
  const expected = await stateOf(gateway, 'moved');
  expect(expected).toMatchObject([
    { status: 'suspended', plan: 'enterprise', primary_email: 'registry@a.example' },
    {},
  ]);
  for (const moment of ['before', 'after'] as const)
    for (let at = 1 + (seed % strideOfMoves); ; at += strideOfMoves) {
      const name = `${moment}${at}y`;
      const from = await prepare(name);
      countFromNow({ at, moment, how: 'cut' });
      await finish(gateway, { from }).catch(() => undefined);
      const { length } = stopCounting();
      await isFree();
      const { done, reasons } = await finish(gateway, { from });
      expect({ at: `${moment} ${at}`, done, reasons, state: await stateOf(gateway, name) }).toEqual({
        ...{ at: `${moment} ${at}`, done: true, reasons: [], state: expected },
      });
      const revision = await revisionOf(gateway);
      const again = await finish(gateway, { from });
      expect([again.tables, outcomesOf(again.report).filter((one) => one.startsWith(name))]).toEqual([
        ...[[], [`${name}: unchanged`, `${name}-gone: unchanged`]],
      ]);
      expect(await revisionOf(gateway)).toBe(revision);
      expect(
        await queryOnce(from, `SELECT FROM pg_class WHERE relname LIKE '%_before_registry'`),
      ).toHaveLength(6);
      if (length < at) break;
    }
});

test('an undone move goes on after a cut at any statement, and the tables have their old names', {
  timeout,
}, async () => {
  promiseSeed();
  await using gateway = await openGateway();
  const from = await aPlatform(gateway, 'undone');
  const names = async () =>
    (
      await queryOnce<{ name: string }>(
        from,
        `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const before = await names();
  await finish(gateway, { from });
  const expected = await stateOf(gateway, 'undone');
  const revision = await revisionOf(gateway);
  for (const moment of ['before', 'after'] as const)
    for (let at = 1 + (seed % stride); ; at += stride) {
      countFromNow({ at, moment, how: 'cut' });
      await undo(gateway, { from }).catch(() => undefined);
      const { length } = stopCounting();
      const cut = await names();
      // All tables of a database are renamed in one transaction.
      expect([before, before.map((name) => `${name}_before_registry`)]).toContainEqual(cut);
      await undo(gateway, { from });
      expect({ at: `${moment} ${at}`, names: await names() }).toEqual({
        at: `${moment} ${at}`,
        names: before,
      });
      expect([await revisionOf(gateway), await stateOf(gateway, 'undone')]).toEqual([revision, expected]);
      await finish(gateway, { from });
      expect(await revisionOf(gateway)).toBe(revision);
      if (length < at) break;
    }
});
