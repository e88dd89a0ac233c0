import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  currency,
  email,
  expectedVersion,
  moduleName,
  optional,
  quota,
  readInput,
  tenantReference,
  text,
  timezone,
  uuid,
} from '../../src/registry/input.js';
import { moduleFields } from '../../src/registry/module.js';
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
      'a\u200db',
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
      ['', 'Africa/Nowhere', 'Mars/Phobos', "x'; --", 'a\u0000', 'x'.repeat(51)],
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

  test('that is optional treats null as absent', () => {
    const schema = z.object({ name: optional(text(10)) });
    expect([readInput(schema, {}), readInput(schema, { name: null })]).toEqual([{}, {}]);
    expect(() => readInput(schema, { name: '' })).toThrow();
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
