import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { text } from '../../src/registry/input.js';
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
  const given = [...new Set([...lengths, ...textsAtBoundaries(), ...hostile])].filter(
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
