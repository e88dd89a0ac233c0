import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  clearable,
  currency,
  email,
  expectedVersion,
  moduleName,
  omittable,
  optional,
  quota,
  readInput,
  tenantReference,
  text,
  timezone,
  uuid,
} from '../../src/registry/input.js';
import { withoutJoiners } from '../../src/registry/joiners.js';
import { moduleFields } from '../../src/registry/modules/module.js';
import { storageName } from '../../src/registry/storage-name.js';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

describe('text for people', () => {
  test.each([
    'A',
    'Ünïcode',
    '株式会社',
    'عربي',
    'A & B',
    "O'Neill",
    'a"b',
    'a;b--',
    'ﬁ',
    '👍',
    'x'.repeat(50),
  ])('accepts %j', (value) => {
    expect(readInput(text(50), value)).toBe(value);
  });

  test('is trimmed', () => {
    expect(readInput(text(50), '  Acme \t')).toBe('Acme');
  });

  test.each([
    ...['', '   ', 'x'.repeat(51), 'a\u0000b', 'a\nb', 'a\tb', 'a\u001b[31mb', 'a\u007fb', 'a\u0085b'],
    ...[
      'a\u200bb',
      'a\u202eb',
      'a\u2066b',
      'a\ufeffb',
      'a\u00adb',
      'a\u2028b',
      'a\u2029b',
      'a\ud800b',
      'a\ue000b',
      'a\uffffb',
    ],
  ])('refuses %j', (value) => {
    expect(accepts(text(50), value)).toBe(false);
  });
});

/** Names in which an invisible character belongs to the writing, and where it does not. */
describe('joiners', () => {
  test.each([
    ['Persian', 'می\u200cخواهم'],
    ['Persian after a Latin word', 'PDF\u200cها'],
    ['Persian after a number', '۲۰\u200cها'],
    ['the abbreviation of a Persian year', 'ه\u200d.ش'],
    ['Persian with a vowel sign', 'خانهٔ\u200cما'],
    ['Sinhala', 'ශ්\u200dරී ලංකා'],
    ['Hindi', 'क्\u200dष'],
    ['Hindi, unjoined', 'क्\u200cष'],
    ['Bengali', 'র\u200d্যাব'],
    ['Malayalam, at the end of a word', 'അവന്\u200d'],
    ['Khmer', 'ប៊\u200cី'],
    ['a family', 'Acme 👨\u200d👩\u200d👧\u200d👦'],
    ['a skin tone', '👩🏽\u200d💻'],
    ['a rainbow flag', '🏳\ufe0f\u200d🌈'],
    ['a heart on fire', '❤\ufe0f\u200d🔥'],
    ['the flag of Wales', '🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}'],
  ])('%s: accepted as it is', (_writing, value) => {
    expect(readInput(text(50), value)).toBe(value);
  });

  test.each([
    ['between Latin letters', 'ac\u200cme'],
    ['between Latin letters, ZWJ', 'ac\u200dme'],
    ['Cyrillic', 'ак\u200dме'],
    ['at the beginning', '\u200cخانه'],
    ['at the end', 'خانه\u200c'],
    ['ZWJ at the end of an Arabic word', 'خانه\u200d'],
    ['twice', 'می\u200c\u200cخواهم'],
    ['both', 'ශ්\u200d\u200cරී'],
    ['twice at the end of a word', 'അവന്\u200d\u200d'],
    ['before a blank', 'می\u200c خواهم'],
    ['after a blank', 'می \u200cخواهم'],
    ['after an emoji that nothing follows', '👩\u200d'],
    ['between an emoji and a letter', '👩\u200da'],
    ['ZWNJ in an emoji', '👩\u200c👧'],
    ['a bidirectional override between Arabic letters', 'می\u202eخواهم'],
    ['an isolate between Arabic letters', 'می\u2066خواهم'],
    ['a mark of direction', 'می\u200fخواهم'],
    ['a zero-width space', 'می\u200bخواهم'],
    ['tags without a flag', 'a\u{e0067}\u{e0062}\u{e0077}\u{e007f}'],
    ['tags without an end', '🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}'],
    ['a text hidden in tags', '🏴\u{e0067}\u{e0062}\u{e0067}\u{e0062}\u{e0067}\u{e0062}\u{e0067}\u{e007f}'],
  ])('%s: refused', (_place, value) => {
    expect(accepts(text(50), value)).toBe(false);
  });

  test('nothing else is taken out of a text', () => {
    const others = [...Array(0x11_0000).keys()]
      .filter((point) => (point < 0xd800 || point > 0xdfff) && point !== 0x200c && point !== 0x200d)
      .map((point) => `ක්${String.fromCodePoint(point)}ක`)
      .join(' ');
    expect(withoutJoiners(others) === others).toBe(true);
  });
});

describe('what people spell in several ways', () => {
  test.each([
    ['info@müller.example', 'info@xn--mller-kva.example'],
    ['Info@MÜLLER.example', 'Info@xn--mller-kva.example'],
    ['info@xn--mller-kva.example', 'info@xn--mller-kva.example'],
    ['info@XN--MLLER-KVA.example', 'info@xn--mller-kva.example'],
    ['info@mu\u0308ller.example', 'info@xn--mller-kva.example'],
    ['info@пример.рф', 'info@xn--e1afmkfd.xn--p1ai'],
    ['info@例え。テスト', 'info@xn--r8jz45g.xn--zckzah'],
    ['info@می\u200cخواهم.ir', 'info@xn--mgbn2ecje63gr19l.ir'],
    ['Info@Example.com', 'Info@Example.com'],
  ])('the address %s is stored as %s', (given, stored) => {
    expect(readInput(email, given)).toBe(stored);
  });

  test.each([
    'ü@example.com',
    'a@xn--a',
    'a@xn--a.example',
    'a@müller.example/x',
    'a@müller.example:25',
    'a@%6düller.example',
    'a@[müller.example]',
    'a@mül ler.example',
    'a@mül\u202eler.example',
    'a@ü..example',
    'a@',
    `a@${'ü.'.repeat(40)}example`,
  ])('the address %s is refused', (given) => {
    expect(accepts(email, given)).toBe(false);
  });

  test.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['AMERICA/PORT-AU-PRINCE', 'America/Port-au-Prince'],
    ['africa/dar_es_salaam', 'Africa/Dar_es_Salaam'],
    ['antarctica/mcmurdo', 'Antarctica/McMurdo'],
    ['america/argentina/comodrivadavia', 'America/Argentina/ComodRivadavia'],
    ['utc', 'UTC'],
    ['etc/gmt+3', 'Etc/GMT+3'],
    // A link stays the name that was given, in ICU's versions and in PostgreSQL.
    ['asia/kolkata', 'Asia/Kolkata'],
    ['asia/calcutta', 'Asia/Calcutta'],
    ['gb-eire', 'GB-Eire'],
  ])('the time zone %s is stored as %s', (given, stored) => {
    expect(readInput(timezone, given)).toBe(stored);
  });
});

describe('a field', () => {
  test.each<[string, z.ZodType, unknown[], unknown[]]>([
    [
      'uuid',
      uuid,
      [
        '0198aaaa-0000-7000-8000-000000000000',
        '00000000-0000-0000-0000-000000000000',
        '0198AAAA-0000-7000-8000-00000000000F',
      ],
      ['', 'x', '0198aaaa00007000800000000000000f', '{0198aaaa-0000-7000-8000-000000000000}', 7, null],
    ],
    [
      'module name',
      moduleName,
      ['a', 'finance', 'a_1', 'x'.repeat(31)],
      ['', 'A', '1a', '_a', 'a-b', 'a b', 'x'.repeat(32), 'a\n', 'а'],
    ],
    [
      'e-mail address',
      email,
      ['a@b.example', 'a.b+c@d-e.example', ' a@b.example '],
      [
        '',
        'a',
        'a@',
        '@b',
        'a b@c.example',
        'a@b@c.example',
        'a@b.example\u0000',
        `${'x'.repeat(250)}@b.example`,
        'a@b.example\nbcc:x',
      ],
    ],
    [
      'time zone',
      timezone,
      ['UTC', 'Africa/Johannesburg', 'Europe/Berlin'],
      // ICU knows PST and SystemV/PST8 as well, PostgreSQL knows neither.
      [
        'PST',
        'SystemV/PST8',
        '+02:00',
        '',
        'Africa/Nowhere',
        'Mars/Phobos',
        "x'; --",
        'a\u0000',
        'x'.repeat(51),
      ],
    ],
    ['currency', currency, ['ZAR', 'EUR', 'USD'], ['', 'zar', 'ZARR', 'QQQ', 'R', '€']],
    [
      'quota',
      quota,
      [0, 1, 2_147_483_647],
      [-1, 1.5, 2_147_483_648, '5', Number.NaN, Number.POSITIVE_INFINITY, null],
    ],
    ['expected version', expectedVersion, [1, 7, undefined], [0, -1, 1.5, '1']],
    ['tenant', tenantReference, ['acme', 'whatever it is'], ['', 'x'.repeat(101), 7]],
    [
      'storage name',
      storageName,
      ['a', 'finance_acme', 'x'.repeat(63)],
      [
        '',
        'A',
        '1a',
        '_a',
        'a-b',
        'a"b',
        'a,b',
        'x'.repeat(64),
        'pg_a',
        'public',
        'information_schema',
        'ä',
        'a\n',
        'a\u0000',
      ],
    ],
    [
      'database reference',
      moduleFields.databaseRef,
      // Which names are allowed is the setting's choice, see provisioning/module-databases.test.ts.
      ['FINANCE_DB_URL', 'X_URL', 'A1_URL', 'FINANCE'],
      ['', 'finance_db_url', '_URL', '1_URL', 'A-B_URL', `${'X'.repeat(60)}_URL`],
    ],
    [
      'schema prefix',
      moduleFields.schemaPrefix,
      ['a', 'finance_', 'x'.repeat(20)],
      ['', 'A_', '1', '_a', 'pg_', 'pg_x', 'a-', 'x'.repeat(21)],
    ],
    [
      'migrations folder',
      moduleFields.migrationsFolder,
      ['finance', 'a-b_c1'],
      ['', '.', '..', '../x', '/etc', 'a/b', 'A', '_every', 'a\u0000'],
    ],
  ])('%s accepts the valid values and refuses the others', (_name, schema, good, bad) => {
    expect(good.filter((value) => !accepts(schema, value))).toEqual([]);
    expect(bad.filter((value) => accepts(schema, value))).toEqual([]);
  });

  test('that may be omitted takes null as its kind says', () => {
    const one = (name: z.ZodType) => z.object({ name });
    for (const make of [clearable, omittable, optional, clearable, omittable]) {
      expect(readInput(one(make(text(10))), {})).toEqual({});
      expect(() => readInput(one(make(text(10))), { name: '' })).toThrow('name: ');
    }
    expect(() => readInput(one(optional(text(10))), { name: null })).toThrow('name: must not be null');
    expect(readInput(one(clearable(text(10))), { name: null })).toEqual({ name: null });
    expect(readInput(one(omittable(text(10))), { name: null })).toEqual({});
  });
});

test('an input with several wrong fields is refused with the paths of all of them', () => {
  const schema = z.object({ name: text(5), modules: z.array(moduleName) });
  const problems = { name: 'too long', modules: ['finance', 'No'] };
  expect(() => readInput(schema, problems)).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      status: 400,
      fields: [
        { field: 'name', message: 'must have at most 5 characters' },
        { field: 'modules.1', message: expect.stringContaining('lower-case') },
      ],
    }),
  );
  expect(() => readInput(schema, 'nonsense')).toThrow(
    expect.objectContaining({ fields: [{ field: 'input', message: expect.any(String) }] }),
  );
});
