import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findExternalIdProblem, isExternalId, maxExternalIds } from '../../src/registry/external-id.js';
import { isSlug } from '../../src/registry/slug.js';
import { hostileTexts } from '../naming/support/hostile.js';
import { createRegistryDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { seed } from '../setup/seed.js';
import { canReachPostgres, refusalsOf } from '../sql/support/refusals.js';

/** The rules of external ids, which hold for every writer. */

let database: TestDatabase;
let client: pg.Client;
let other: pg.Client;
beforeAll(async () => {
  database = await createRegistryDatabase();
  [client, other] = await Promise.all([connect(), connect()]);
});
afterAll(async () => {
  await client?.end();
  await other?.end();
  await database?.drop();
});

async function connect(): Promise<pg.Client> {
  const connection = new pg.Client({ connectionString: database.url });
  await connection.connect();
  return connection;
}

/** Inserts a tenant and returns its slug. */
async function aTenant(): Promise<string> {
  const slug = uniqueName('t');
  await client.query(`INSERT INTO tenants (slug, name) VALUES ($1, 'x')`, [slug]);
  return slug;
}

const insertId = `INSERT INTO tenant_external_ids (external_id, tenant_id) SELECT $1, id FROM tenants WHERE slug = $2`;
const add = (externalId: string, slug: string, by = client) => by.query(insertId, [externalId, slug]);

const forms = [
  ...[
    'africastay',
    'tn_xxx_yyy',
    'a',
    '0',
    '42',
    '_',
    'Acme',
    'org_2abc',
    'auth0|123',
    'acme@old.example',
    'urn:tenant:7',
  ],
  ...[
    'a.b',
    'a..',
    'a~b=c+d',
    'TN-0001',
    'x'.repeat(100),
    '5f4dcc3b5aa765d61d8327de',
    'deadbeef-dead-4bee-8ead-deadbeefdea',
  ],
  ...[
    '',
    ' ',
    'a b',
    'a\n',
    '\na',
    'a/b',
    'a,b',
    'a"b',
    "a'b",
    'a`b',
    'a\\b',
    'a%b',
    'a?b',
    'a#b',
    'a&b',
    'a;b',
    '{a}',
    '(a)',
  ],
  ...['.', '..', '-a', '.a', '@a', '|a', 'x'.repeat(101), 'é', 'аcme', 'a\u200b', '😀', 'a\u007f'],
  ...[
    'deadbeef-dead-4bee-8ead-deadbeefdead',
    'DEADBEEF-DEAD-4BEE-8EAD-DEADBEEFDEAD',
    'DeadBeefDeadBeefDeadBeefDeadBeef',
  ],
];

test(`the form of an external id is the same in TypeScript and in the table (seed ${seed})`, async () => {
  const slug = await aTenant();
  const given = [...forms, ...hostileTexts(500, seed)].filter(canReachPostgres);
  const statement = insertId.replace('$2', `'${slug}'`);
  const refusals = await refusalsOf(client, statement, given);
  const isRefused = (at: number) => refusals[at] !== null;
  expect(given.filter((one, at) => isRefused(at) === isExternalId(one))).toEqual([]);
  expect(new Set(refusals)).toEqual(
    new Set([null, 'tenant_external_ids_form', 'tenant_external_ids_is_no_uuid']),
  );
  expect(forms.filter((one) => findExternalIdProblem(one) === undefined)).toEqual(forms.slice(0, 18));
});

test('every slug has the form of an external id, so one look-up finds both', () => {
  const slugs = ['ab', 'a-1_b-2', 'x'.repeat(40), ...hostileTexts(2_000, seed)].filter(isSlug);
  expect(slugs.filter((slug) => !isExternalId(slug))).toEqual([]);
});

describe('a name means one tenant', () => {
  test.each([
    ['an external id of another tenant', (taken: string) => add(taken, 'mine'), 'tenant_external_ids_pkey'],
    [
      'a slug of another tenant',
      (_taken: string, slug: string) => add(slug, 'mine'),
      'tenant_external_ids_is_no_slug',
    ],
    ['its own slug', () => add('mine', 'mine'), 'tenant_external_ids_is_no_slug'],
  ])('%s is refused as an external id', async (_what, write, constraint) => {
    await client.query(`INSERT INTO tenants (slug, name) VALUES ('mine', 'x') ON CONFLICT DO NOTHING`);
    const slug = await aTenant();
    const taken = uniqueName('ext');
    await add(taken, slug);
    await expect(write(taken, slug)).rejects.toMatchObject({ code: '23505', constraint });
  });

  test.each(['active', 'removed'])('a new slug that is a %s external id is refused', async (status) => {
    const taken = uniqueName('ext');
    await add(taken, await aTenant());
    await client.query('UPDATE tenant_external_ids SET status = $2 WHERE external_id = $1', [taken, status]);
    await expect(
      client.query(`INSERT INTO tenants (slug, name) VALUES ($1, 'x')`, [taken]),
    ).rejects.toMatchObject({ code: '23505', constraint: 'tenants_slug_is_no_external_id' });
  });

  test('an id of a purged tenant stays taken', async () => {
    const slug = await aTenant();
    const taken = uniqueName('ext');
    await add(taken, slug);
    await client.query(`UPDATE tenants SET status = 'purged' WHERE slug = $1`, [slug]);
    await expect(add(taken, await aTenant())).rejects.toMatchObject({
      constraint: 'tenant_external_ids_pkey',
    });
  });

  const levels = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];
  test.each(levels.flatMap((one) => levels.map((two) => [one, two] as const)))(
    'of a slug and an equal external id that are written at the same time, in %s and %s, one is refused',
    async (slugLevel, idLevel) => {
      const name = uniqueName('both');
      const owner = await aTenant();
      await client.query(`BEGIN ISOLATION LEVEL ${slugLevel}`);
      await other.query(`BEGIN ISOLATION LEVEL ${idLevel}`);
      // Both snapshots are taken before either name is there.
      for (const one of [client, other]) await one.query('SELECT FROM tenants LIMIT 1');
      await client.query(`INSERT INTO tenants (slug, name) VALUES ($1, 'x')`, [name]);
      await add(name, owner, other);
      // The second one waits for the head row that the first one holds.
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      const second = other.query('COMMIT').catch((error: unknown) => error);
      await client.query('COMMIT');
      expect(await second).toMatchObject(
        idLevel === 'READ COMMITTED' ? { constraint: 'tenant_external_ids_is_no_slug' } : { code: '40001' },
      );
      await other.query('ROLLBACK');
    },
  );
});

describe('an external id', () => {
  test.each([
    [
      'UPDATE tenant_external_ids SET external_id = external_id || 1 WHERE external_id = $1',
      'tenant_external_ids_identity',
    ],
    [
      'UPDATE tenant_external_ids SET tenant_id = (SELECT id FROM tenants WHERE id <> tenant_id LIMIT 1) WHERE external_id = $1',
      'tenant_external_ids_identity',
    ],
    ['DELETE FROM tenant_external_ids WHERE external_id = $1', undefined],
  ])('stays as it is and with its tenant: %s', async (statement, constraint) => {
    const externalId = uniqueName('ext');
    await aTenant();
    await add(externalId, await aTenant());
    const code = constraint ? '23514' : '42501';
    await expect(client.query(statement, [externalId])).rejects.toMatchObject({ code, constraint });
  });

  test('cannot be emptied away with all others', async () => {
    await expect(client.query('TRUNCATE tenant_external_ids')).rejects.toMatchObject({ code: '42501' });
  });

  test('is removed and given again by its status, with its dates and an entry of the change log for each', async () => {
    const slug = await aTenant();
    const externalId = uniqueName('ext');
    const row = async () =>
      (await client.query('SELECT * FROM tenant_external_ids WHERE external_id = $1', [externalId])).rows[0];
    const setStatus = (status: string) =>
      client.query('UPDATE tenant_external_ids SET status = $2 WHERE external_id = $1', [externalId, status]);
    await add(externalId, slug);
    expect(await row()).toMatchObject({ status: 'active', removed_at: null });
    expect((await row()).created_by).toMatch(/^role:/);
    await setStatus('removed');
    expect(await row()).toMatchObject({ status: 'removed', removed_at: expect.any(Date) });
    await setStatus('active');
    expect(await row()).toMatchObject({ status: 'active', removed_at: null });
    const { rows } = await client.query(
      `SELECT kind, tenant_slug, coalesce(after ->> 'external_id', after ->> 'status') AS became FROM registry_change
       WHERE kind LIKE 'external_id.%' AND tenant_slug = $1 ORDER BY revision`,
      [slug],
    );
    expect(rows).toEqual([
      { kind: 'external_id.created', tenant_slug: slug, became: externalId },
      { kind: 'external_id.removed', tenant_slug: slug, became: 'removed' },
      { kind: 'external_id.activated', tenant_slug: slug, became: 'active' },
    ]);
  });
});

test(`a tenant has at most ${maxExternalIds}, removed ones included, also when two are added at once`, async () => {
  const slug = await aTenant();
  for (let at = 0; at < maxExternalIds - 1; at++) await add(`${slug}.${at}`, slug);
  await client.query(`UPDATE tenant_external_ids SET status = 'removed' WHERE external_id = $1`, [
    `${slug}.0`,
  ]);
  await client.query('BEGIN');
  await other.query('BEGIN');
  await add(`${slug}.last`, slug);
  await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  const second = add(`${slug}.excess`, slug, other)
    .then(() => other.query('COMMIT'))
    .catch((error: unknown) => error);
  await client.query('COMMIT');
  expect(await second).toMatchObject({ code: '23514', constraint: 'tenant_external_ids_limit' });
});
