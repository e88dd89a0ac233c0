import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { text, timezone } from '../../src/registry/input.js';
import { withoutJoiners } from '../../src/registry/joiners.js';
import { findSlugProblem } from '../../src/registry/slug.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { seed } from '../setup/seed.js';
import { canReachPostgres, refusalsOf } from '../sql/support/refusals.js';
import { differences, inOrder, isNull, problemOf } from './support/compared-rules.js';
import { hostileTexts } from './support/hostile.js';

/**
 * Rules for slugs and texts stand twice: in TypeScript, for messages about each field, and in PL/pgSQL, for services that
 * use SQL alone. One table of cases goes through both.
 */

const hostile = hostileTexts(500, seed).filter(canReachPostgres);

const slugs = [
  ...[
    'ab',
    'a1',
    'acme',
    'acme-corp',
    'acme_corp',
    'a-1_b-2',
    'x'.repeat(40),
    'pg-tips',
    'pgx',
    'public',
    'select',
  ],
  ...[
    '',
    'a',
    'x'.repeat(41),
    '1a',
    '-a',
    '_a',
    'a-',
    'a_',
    'a--b',
    'a__b',
    'a-_b',
    'Acme',
    'a b',
    'ab\n',
    '\nab',
  ],
  ...['pg_', 'pg_acme', 'аcme', 'acmé', 'ａｃｍｅ', 'acme\u200b', '😀', '😀'.repeat(39), '😀'.repeat(41)],
  ...[
    'deadbeef-dead-4bee-8ead-deadbeefdead',
    'deadbeefdeadbeefdeadbeefdeadbeef',
    'd-eadbeefdeadbeefdeadbeefdeadbee-f',
  ],
  ...['deadbeef-dead-4bee-8ead-deadbeefdea', 'deadbeef_dead_4bee_8ead_deadbeefdead'],
];

let database: TestDatabase;
let registry: pg.Client;
beforeAll(async () => {
  database = await createRegistryDatabase();
  registry = new pg.Client({ connectionString: database.url });
  await registry.connect();
});
afterAll(async () => {
  await registry?.end();
  await database?.drop();
});

test(`slugs: both say the same, in the same words (seed ${seed})`, async () => {
  const given = [...slugs, ...hostile];
  const { rows } = await registry.query<{ problem: string | null }>(
    `SELECT registry_slug_problem(given) AS problem FROM unnest($1::text[]) ${inOrder}`,
    [given],
  );
  const problems = given.map((slug) => findSlugProblem(slug) ?? null);
  const inSql = rows.map(({ problem }) => problem);
  expect(differences(given, problems, inSql)).toEqual([]);
  // The table itself takes what is a slug and nothing else.
  const refusals = await refusalsOf(registry, `INSERT INTO tenants (slug, name) VALUES ($1, 'x')`, given);
  const isTaken = refusals.map((refusal) => refusal === null || refusal === 'tenants_slug_key');
  expect(differences(given, problems.map(isNull), isTaken)).toEqual([]);
});

/** Characters at which a class of Unicode that the rule looks at begins or ends, within a word and before one. */
function textsAtBoundaries(): string[] {
  const classes = [/[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/u, /\s/];
  const isIn = (point: number) => classes.map((one) => one.test(String.fromCodePoint(point))).join();
  const texts: string[] = [];
  for (let point = 2; point <= 0x10_ffff; point++)
    if (isIn(point) !== isIn(point - 1))
      for (const near of [point - 1, point].map((one) => String.fromCodePoint(one)))
        texts.push(`a${near}b`, `${near}a`, `a${near}`);
  // PL/pgSQL cannot know which characters are not assigned yet, and lets them through.
  return texts.filter((one) => canReachPostgres(one) && !/\p{Cn}/u.test(one));
}

test(`joiners: both take out the same, beside characters at which a range begins or ends and a thousand others (seed ${seed})`, async () => {
  // Beyond these planes there is nothing that joins.
  const points = [...Array(0x2_0000).keys(), ...[...Array(0x200).keys()].map((tag) => 0xe_0000 + tag)];
  const characters = points
    .slice(1)
    .map((point) => String.fromCodePoint(point))
    .filter(canReachPostgres);
  const given: string[] = [];
  for (const around of ['\u200c', '\u200d'].flatMap((joiner) => [
    (one: string) => `${one}${joiner}ක`,
    (one: string) => `ක${joiner}${one}`,
    (one: string) => `${one}${joiner}👩`,
    (one: string) => `👩${joiner}${one}`,
    (one: string) => `${one}${joiner}a`,
    (one: string) => `🏴${one.repeat(3)}\u{e007f}${joiner}`,
  ])) {
    const isTakenOut = characters.map((one) => withoutJoiners(around(one)) !== around(one));
    const isAtEdge = (at: number) =>
      isTakenOut[at] !== isTakenOut[at - 1] || isTakenOut[at] !== isTakenOut[at + 1];
    given.push(...characters.filter((_, at) => isAtEdge(at) || (at + seed) % 999 === 0).map(around));
  }
  const { rows } = await registry.query<{ left: string }>(
    `SELECT registry_without_joiners(given) AS left FROM unnest($1::text[]) ${inOrder}`,
    [given],
  );
  expect(
    differences(
      given,
      given.map(withoutJoiners),
      rows.map(({ left }) => left),
    ),
  ).toEqual([]);
});

describe('time zones and addresses, which SQL writes as well', () => {
  test('every name that the server knows is spelled alike, in whatever case it is given', async () => {
    const { rows } = await registry.query<{ name: string }>(
      `SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|posixrules|right|Factory|localtime)'`,
    );
    expect(rows.length).toBeGreaterThan(400);
    const names = rows.map(({ name }) => name);
    const lower = names.map((name) => name.toLowerCase());
    expect(
      differences(
        lower,
        lower.map((name) => timezone.parse(name)),
        names,
      ),
    ).toEqual([]);
    const written = await registry.query<{ timezone: string }>(
      `INSERT INTO tenants (slug, name, timezone) SELECT 'zone-' || place, 'x', given FROM unnest($1::text[]) ${inOrder} RETURNING timezone`,
      [lower],
    );
    expect(written.rows.map(({ timezone: stored }) => stored)).toEqual(names);
  });

  test.each([
    ['tenants', 'timezone', 'europe/berlin', 'Europe/Berlin'],
    ['tenants', 'timezone', 'Mars/Olympus', 'Mars/Olympus'],
    ['tenants', 'timezone', '3', '3'],
    ['tenant_settings', 'timezone', 'asia/kolkata', 'Asia/Kolkata'],
    ['tenants', 'primary_email', 'a@müller.example', null],
    ['tenants', 'primary_email', 'ü@xn--mller-kva.example', 'ü@xn--mller-kva.example'],
    ['tenant_settings', 'support_email', 'a@müller.example', null],
    ['tenant_settings', 'email_from_email', 'a@müller.example', null],
    ['members', 'email', 'a@müller.example', null],
    ['members', 'email', 'a@xn--mller-kva.example', 'a@xn--mller-kva.example'],
  ])('UPDATE %s SET %s = %s stores %s', async (table, column, given, stored) => {
    await registry.query(`CALL register_tenant('spelled', 'x')`).catch(() => undefined);
    await registry.query(
      `INSERT INTO members (tenant_id, email) SELECT id, 'a@b.example' FROM tenants WHERE slug = 'spelled' ON CONFLICT DO NOTHING`,
    );
    const where = `${table === 'tenants' ? 'id' : 'tenant_id'} = (SELECT id FROM tenants WHERE slug = 'spelled')`;
    const updated = registry.query(
      `UPDATE ${table} SET ${column} = $1 WHERE ${where} RETURNING ${column} AS stored`,
      [given],
    );
    if (stored === null)
      await expect(updated).rejects.toMatchObject({
        ...{ code: '22023', message: `${column}: the domain must be in punycode` },
        hint: expect.stringContaining('xn--mller-kva.example'),
      });
    else expect((await updated).rows).toEqual([{ stored }]);
  });

  test('another spelling of the same time zone is no change', async () => {
    const version = `SELECT version FROM tenants WHERE slug = 'still'`;
    await registry.query(`INSERT INTO tenants (slug, name, timezone) VALUES ('still', 'x', 'UTC')`);
    await registry.query(`UPDATE tenants SET timezone = 'utc' WHERE slug = 'still'`);
    expect((await registry.query(version)).rows).toEqual([{ version: 1 }]);
  });

  test('a domain outside ASCII from before the rule does not keep a tenant from being suspended', async () => {
    for (const trigger of ['tenants_keep_spelling', 'tenants_complete_profile'])
      await registry.query(`ALTER TABLE tenants DISABLE TRIGGER ${trigger}`);
    await registry.query(
      `INSERT INTO tenants (slug, name, primary_email) VALUES ('older', 'x', 'a@müller.example')`,
    );
    for (const trigger of ['tenants_keep_spelling', 'tenants_complete_profile'])
      await registry.query(`ALTER TABLE tenants ENABLE TRIGGER ${trigger}`);
    await registry.query(`UPDATE tenants SET status = 'suspended', timezone = 'utc' WHERE slug = 'older'`);
  });
});

test(`texts for people: both trim alike and say the same (seed ${seed})`, async () => {
  const rule = text(20);
  const lengths = [
    ' ',
    'x'.repeat(20),
    'x'.repeat(21),
    ` ${'x'.repeat(20)} `,
    '😀'.repeat(20),
    '😀'.repeat(21),
  ];
  const joined = ['می\u200cخواهم', 'ac\u200dme', '👩\u200d👧', 'می\u202eخواهم', 'අවන්\u200d', 'خانه\u200c'];
  const given = [...new Set([...lengths, ...joined, ...textsAtBoundaries(), ...hostile])].filter(
    (one) => !/\p{Cn}/u.test(one),
  );
  expect(given.length).toBeGreaterThan(300);
  const problems = given.map((one) => problemOf(rule, one));
  const refusals = await refusalsOf(registry, `SELECT registry_read_text('name', $1, 20)`, given);
  const inSql = refusals.map((refusal) => refusal?.replace('VALIDATION_ERROR: name: ', '') ?? null);
  expect(differences(given, problems, inSql)).toEqual([]);
  const good = given.filter((_, at) => problems[at] === null);
  const { rows } = await registry.query<{ trimmed: string }>(
    `SELECT registry_read_text('name', given, 20) AS trimmed FROM unnest($1::text[]) ${inOrder}`,
    [good],
  );
  const inOurs = good.map((one) => rule.parse(one));
  expect(
    differences(
      good,
      inOurs,
      rows.map(({ trimmed }) => trimmed),
    ),
  ).toEqual([]);
});
