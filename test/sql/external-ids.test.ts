import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { codeOf, mark, outcomeOf, subscribe } from './support/procedure-calls.js';
import { openRoleSessions, type RoleSessions } from './support/registry-roles.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const add = (tenant: string, externalId: string | null) =>
  gateway.psql('CALL add_tenant_external_id($1, $2)', [tenant, externalId]);
const remove = (tenant: string, externalId: string) =>
  gateway.psql('CALL remove_tenant_external_id($1, $2)', [tenant, externalId]);
const idsOf = async (tenant: string) =>
  (
    await gateway.psql(
      'SELECT external_ids FROM tenant_registry WHERE tenant_id = (SELECT tenant_id FROM tenant_names WHERE name = $1)',
      [tenant],
    )
  )[0];

describe('the procedures', () => {
  test('add and remove external ids of a tenant, which the view shows, and repeat without an error', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const [one, two] = [uniqueName('Ext'), uniqueName('ext')];
    expect(await idsOf(slug)).toEqual({ external_ids: [] });
    for (let round = 0; round < 2; round++) {
      for (const repeat of [id, slug, one]) await outcomeOf(add(repeat, one));
      await add(one, two);
      expect((await idsOf(two))?.external_ids).toEqual([one, two].sort());
      await remove(slug, one);
      await remove(slug, one);
      expect((await idsOf(two))?.external_ids).toEqual([two]);
      expect(await idsOf(one)).toBeUndefined();
    }
  });

  test('take an external id for the tenant, as the others do', async () => {
    const { id } = await aTenant().at(gateway);
    const externalId = uniqueName('Ext');
    await add(id, externalId);
    const schema = uniqueName('finance');
    await subscribe(gateway, externalId, 'finance', schema);
    await mark(gateway, externalId, 'finance', 'success');
    await gateway.app.gateway?.freshness.follower.poll();
    expect(await resolve(gateway, externalId)).toBe(schema);
    await gateway.psql(`CALL record_usage($1, 'monthly_quotes', 3)`, [externalId]);
    const [quota] = await gateway.psql(`SELECT * FROM check_quota($1, 'monthly_quotes', 1)`, [externalId]);
    expect(JSON.stringify(quota)).toContain('3');
    await remove(id, externalId);
    expect(await codeOf(gateway.psql(`CALL record_usage($1, 'monthly_quotes', 3)`, [externalId]))).toBe(
      'TR006 TENANT_NOT_FOUND',
    );
  });

  test.each([
    ['a form that is none', 'a b', '22023 VALIDATION_ERROR'],
    ['a UUID', '00000000-0000-4000-8000-000000000001', '22023 VALIDATION_ERROR'],
    ['nothing', null, '22004 VALIDATION_ERROR'],
  ])('refuse %s', async (_what, externalId, code) => {
    const { id } = await aTenant().at(gateway);
    expect(await codeOf(add(id, externalId))).toBe(code);
  });

  test('refuse an id and a slug of another tenant, and register no tenant whose slug is an external id', async () => {
    const [mine, other] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    const externalId = uniqueName('ext');
    await add(other.id, externalId);
    expect(await outcomeOf(add(mine.id, externalId))).toBe(
      `23505 CONFLICT: External id "${externalId}" belongs to tenant ${other.id}`,
    );
    expect(await outcomeOf(add(mine.id, other.slug))).toBe(
      `23505 External id "${other.slug}" is the slug of tenant ${other.id}`,
    );
    expect(await outcomeOf(gateway.psql('CALL register_tenant($1, $2)', [externalId, 'x']))).toBe(
      `23505 Slug "${externalId}" is an external id of tenant ${other.id}`,
    );
  });
});

describe('roles', () => {
  let sessions: RoleSessions;
  beforeAll(async () => {
    sessions = await openRoleSessions();
  });
  afterAll(() => sessions?.close());

  const found = async (role: string, reference: string, visible = '') => {
    const client = sessions.as(role);
    await client.query(`SELECT set_config('app.tenant_id', $1, false)`, [visible]);
    const { rows } = await client.query('SELECT tenant_id AS id FROM tenant_names WHERE name = $1', [
      reference,
    ]);
    return rows[0]?.id;
  };

  test('registry_service finds the tenant of every external id, and its routes by it', async () => {
    const { mine, other } = sessions;
    expect(await found('registry_service', 'tn_mine')).toBe(mine.id);
    expect(await found('registry_service', other.slug)).toBe(other.id);
    expect(await found('registry_service', 'tn_nobody')).toBeUndefined();
    expect(await found('registry_service', 'tn_gone')).toBeUndefined();
    const { rows } = await sessions
      .as('registry_service')
      .query(
        `SELECT finance_schema, external_ids FROM tenant_registry WHERE tenant_id = (SELECT tenant_id FROM tenant_names WHERE name = 'tn_mine')`,
      );
    expect(rows).toEqual([{ finance_schema: 'finance_mine', external_ids: ['tn_mine'] }]);
  });

  test('registry_reader sees the tenant whose external id is app.tenant_id, and finds no other', async () => {
    const { mine } = sessions;
    expect(await found('registry_reader', 'mine', 'tn_mine')).toBe(mine.id);
    expect(await found('registry_reader', 'tn_other', 'tn_mine')).toBeUndefined();
    expect((await sessions.as('registry_reader').query('SELECT slug FROM tenants')).rows).toEqual([
      { slug: 'mine' },
    ]);
  });
});
