import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { provision, readTenant } from '../provisioning/support/provisioning-calls.js';
import { recordStatements } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let testbed: GatewayWithModules;
let tenant: StoryTenant;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'alpha', migrations: { '0001.sql': 'CREATE TABLE a ()' } });
  tenant = await aTenant().subscribedTo('alpha').at(testbed.gateway);
});
afterAll(() => testbed?.close());

const resolve = async () =>
  (await testbed.gateway.ask(`{ tenantSchema(id: "${tenant.id}", module: "alpha") { schemaName } }`)).codes;
const suspend = () =>
  testbed.gateway.ask(
    `mutation { suspendTenant(input: { tenantId: "${tenant.id}", reason: "x" }) { revision } }`,
  );
const readiness = async () => {
  const response = await fetch(`${testbed.gateway.url}/ready`);
  return { status: response.status, ...((await response.json()) as { writes: object }) };
};

describe('somebody holds a lock in the registry', () => {
  test.each([
    ['the tenants', 'LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE'],
    ['the head row', 'SELECT FROM registry_head FOR UPDATE'],
  ])('of %s: changes are refused, cached reads go on, and /ready tells', async (_, lock) => {
    expect(await resolve()).toEqual([]);
    const holder = new pg.Client({ connectionString: testbed.gateway.registry.url });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query(lock);
      const [refused, ready, cached] = await Promise.all([suspend(), readiness(), resolve()]);
      expect(refused.codes).toEqual(['REGISTRY_UNAVAILABLE']);
      expect(refused.errors[0]?.message).toContain('keeps a lock');
      expect(ready).toMatchObject({
        status: 200,
        writes: { ok: false, reason: expect.stringContaining('lock') },
      });
      expect([cached, await resolve()]).toEqual([[], []]);
    } finally {
      await holder.end();
    }
    const sent = await recordStatements(async () => {
      expect(await readiness()).toMatchObject({ status: 200, writes: { ok: true } });
    });
    // Less than the second for which probes usually wait.
    expect(sent.filter((sql) => sql.includes('lock_timeout')).join()).toMatch(/lock_timeout = 250\b/);
    expect((await suspend()).codes).toEqual([]);
    const resumed = await testbed.gateway.ask(
      `mutation { resumeTenant(input: { tenantId: "${tenant.id}" }) { revision } }`,
    );
    expect(resumed.codes).toEqual([]);
  });
});

describe('a full disk', () => {
  const full = `RAISE EXCEPTION 'Auf dem Gerät ist kein Speicherplatz mehr verfügbar' USING ERRCODE = '53100'`;

  test('of a service database leaves no tenant PROVISIONING', async () => {
    await testbed.write('alpha/0002.sql', `DO $$ BEGIN ${full}; END $$`);
    const { tenant: failed, operation } = await provision(testbed.gateway, {
      slug: 'full',
      modules: ['alpha'],
    });
    await testbed.remove('alpha/0002.sql');
    expect([failed.status, operation.status]).toEqual(['FAILED', 'COMPENSATED']);
    const again = await provision(testbed.gateway, {
      slug: 'full',
      modules: ['alpha'],
    });
    expect([again.tenant.id, again.operation.status]).toEqual([failed.id, 'SUCCEEDED']);
  });

  test('of the registry while an operation runs: the operation ends when there is room again', async () => {
    await testbed.gateway.psql(`
      CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${full}; END $$;
      CREATE TRIGGER fill_disk BEFORE UPDATE ON operation_steps FOR EACH ROW EXECUTE FUNCTION fill_disk()`);
    const refused = await provision(testbed.gateway, {
      slug: 'brim',
      modules: ['alpha'],
    });
    expect(refused.code).toBe('REGISTRY_UNAVAILABLE');
    await testbed.gateway.psql('DROP TRIGGER fill_disk ON operation_steps');
    // As after the time in which a process may be silent.
    await testbed.gateway.psql(`UPDATE operations SET heartbeat_at = now() - interval '1 hour'`);
    const [open] = await testbed.gateway.psql<{ id: string; tenantId: string }>(
      `SELECT id, tenant_id AS "tenantId" FROM operations WHERE status IN ('running', 'queued')`,
    );
    await testbed.gateway.app.commandsFor(developer).runOperation(open?.id ?? '');
    expect((await readTenant(testbed.gateway, open?.tenantId ?? '')).status).toBe('ACTIVE');
  });
});
