import fc from 'fast-check';

/** Texts that an attacker could use as a slug, name or schema name to reach data of others. */

const invisible = ['\u200b', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u180e', '\u202e', '\u2066', '\u061c'];
const controls = ['\0', '\x01', '\x08', '\t', '\n', '\r', '\x1b', '\x7f', '\x85', '\u2028', '\u2029'];
const spaces = [' ', '\u00a0', '\u2003', '\u3000'];
/** Texts that look like "acme" but contain other letters. */
const lookAlikes = [
  'аcme',
  'acmе',
  'аcmе',
  'ɑcme',
  'aсme',
  'αcme',
  'acⅿe',
  'ａｃｍｅ',
  '𝒶𝒸𝓂ℯ',
  '𝗮𝗰𝗺𝗲',
  'ⓐⓒⓜⓔ',
  'ᴀcme',
  'acme\u0301',
  'ácme',
  'acmé',
  'ACME',
  'Acme',
  'ªcme',
  'acm℮',
];
const sqlPieces = [
  "'",
  '"',
  ';',
  '--',
  '/*',
  '*/',
  '\\',
  '$$',
  '$1',
  '`',
  ',',
  '.',
  '(',
  ')',
  '%',
  '::',
  "E'\\'",
  '""',
  "''",
  '\\x00',
  '%00',
  '{}',
  `$${'{x}'}`,
  '#{x}',
  '<b>',
  '&amp;',
];
const injections = [
  `acme'; DROP TABLE tenants; --`,
  `acme"; DROP SCHEMA public CASCADE; --`,
  `acme" CASCADE; CREATE SCHEMA "x`,
  `acme,public`,
  `acme", "public`,
  `acme'); SELECT pg_sleep(10); --`,
  `acme' OR '1'='1`,
  `$$; DROP TABLE tenants; $$`,
  `acme\\"; SELECT 1; --`,
  `acme"."secrets`,
  `"$user", public`,
  `acme UNION SELECT secret_hash FROM api_keys`,
];
const reserved = [
  'select',
  'user',
  'table',
  'all',
  'from',
  'where',
  'order',
  'group',
  'default',
  'null',
  'true',
  'current_user',
  'session_user',
  'current_schema',
  'authorization',
  'left',
  'join',
  'is',
  'end',
  'grant',
];
const system = [
  'public',
  'information_schema',
  'pg_catalog',
  'pg_toast',
  'pg_temp',
  'pg_temp_1',
  'pg_',
  'pg',
  'pg_x',
  'pg-x',
  'postgres',
  'template0',
  'template1',
  'registry',
  'pgx',
  'PUBLIC',
  'Public',
  'schema_version',
  'settings',
];
const uuids = [
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
  'a0eebc999c0b4ef8bb6d6bb9bd380a11',
  '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
  'urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11',
  'abcdefab-cdef-abcd-efab-cdefabcdefab',
  '00000000-0000-0000-0000-000000000000',
];
const prototype = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'valueOf',
];
const paths = ['.', '..', '../etc', '../../public', '/etc/passwd', 'a/b', 'C:\\x', 'a..b', '~', 'con', 'nul'];
const forms = [
  '',
  ' ',
  '   ',
  'a',
  'ab',
  'a-',
  '-a',
  '_a',
  'a_',
  'a--b',
  'a__b',
  'a-_b',
  'a_-b',
  '1a',
  '1',
  '42',
  'a1',
  'a-1',
  'a-1-2',
  'a.b',
  'a b',
  'a\u2010b',
  'a\u2013b',
  'a－b',
  'a＿b',
  '-',
  '_',
  '--',
  'null',
  'undefined',
  'true',
  'NaN',
  '0',
  '[]',
  '{}',
];
const lengths = [40, 41, 43, 60, 62, 63, 64, 65, 127, 128, 200, 201, 255, 256, 1_000, 5_000].flatMap(
  (length) => ['a'.repeat(length), 'é'.repeat(length), `${'ab-'.repeat(length).slice(0, length - 1)}c`],
);
const surrogates = ['\ud800', 'a\ud800', '\udc00b', 'a\ud83d', '😀', 'a😀', '👩‍👩‍👧‍👦', '🇿🇦'];
const surrounded = [...invisible, ...controls, ...spaces].flatMap((odd) => [
  `${odd}acme`,
  `acme${odd}`,
  `ac${odd}me`,
  odd,
]);
const collidingWithEachOther = [
  'twin-one',
  'twin_one',
  'twin-one',
  'north-east-a',
  'north_east-a',
  'north-east_a',
  'north_east_a',
  'acme',
  'acme-2',
  'acme_2',
];

/** Every text of the lists above once. */
const handWritten: readonly string[] = [
  ...new Set([
    ...forms,
    ...system,
    ...reserved,
    ...uuids,
    ...prototype,
    ...paths,
    ...injections,
    ...lookAlikes,
    ...surrogates,
    ...sqlPieces,
    ...sqlPieces.map((piece) => `ac${piece}me`),
    ...surrounded,
    ...lengths,
    ...collidingWithEachOther,
  ]),
];

/** Valid slugs, few enough for collisions: equal ones, and ones that differ by - and _ only. */
const validSlug = fc
  .tuple(
    fc.constantFrom('acme', 'north', 'zulu', 'pgx', 'user'),
    fc.constantFrom('', '-', '_'),
    fc.constantFrom('one', 'two', '3', 'x9'),
  )
  .map(([head, joint, tail]) => (joint === '' ? head : head + joint + tail));

const piece = fc.oneof(
  validSlug,
  fc.constantFrom(...lookAlikes, ...sqlPieces, ...invisible, ...controls, ...spaces, ...system, ...reserved),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);

const hostile = fc.oneof(
  { weight: 3, arbitrary: validSlug },
  { weight: 6, arbitrary: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z][a-z0-9_-]{0,44}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z][a-z0-9_]{58,66}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^pg_?[a-z_]{0,8}$/) },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 250 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
);

/** All fixed texts, filled up to `count` with generated ones; the same seed generates the same texts. */
export function hostileTexts(count: number, seed: number): string[] {
  const generated = fc.sample(hostile, { numRuns: count - handWritten.length, seed });
  return [...handWritten, ...generated];
}
