import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findMissing, readModuleMigrations } from '../../src/provisioning/storage/module-migrations.js';
import { readUtf8 } from '../../src/registry/values/utf8-file.js';
import { run } from '../setup/process.js';

const wrongIn = (line: number) =>
  `is not valid UTF-8 in line ${line}; it may be Latin-1, as Windows programs save text: save it as UTF-8 (in Excel as "CSV UTF-8")`;

const invalid: [kind: string, content: Buffer, message: string][] = [
  ['Latin-1', Buffer.from('a\nb\ncaf\u00e9\nd', 'latin1'), wrongIn(3)],
  [
    'UTF-16',
    Buffer.from('\ufeffselect 1', 'utf16le'),
    'is UTF-16: save it as UTF-8 (in Excel as "CSV UTF-8")',
  ],
  [
    'UTF-16, big end first',
    Buffer.from([0xfe, 0xff, 0, 0x61]),
    'is UTF-16: save it as UTF-8 (in Excel as "CSV UTF-8")',
  ],
  ['an encoded surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), wrongIn(1)],
  ['a cut off character', Buffer.from([0x61, 0x0a, 0xe2, 0x82]), wrongIn(2)],
  ['NUL', Buffer.from('SELECT 1;\0DROP TABLE x'), 'holds the character NUL: remove it'],
];

test.each(invalid)('a file in %s is refused', (_, content, message) => {
  expect(() => readUtf8(content, 'a.sql')).toThrow(`a.sql ${message}`);
});

test('a file in UTF-8 is read as it is, without a byte order mark at its begin', () => {
  const text = 'café 😀\ufeff\r\n';
  for (const begin of ['', '\ufeff']) expect(readUtf8(Buffer.from(begin + text), 'a.sql')).toBe(text);
});

describe('the files of a module', () => {
  const lines = (end: string) => ['CREATE TABLE a ();', 'CREATE TABLE b ();', ''].join(end);
  const forms: [form: string, text: string][] = [
    ['line feeds', lines('\n')],
    ['line ends of Windows', lines('\r\n')],
    ['a byte order mark', `\ufeff${lines('\n')}`],
    ['both', `\ufeff${lines('\r\n')}`],
    ['mixed line ends', 'CREATE TABLE a ();\r\nCREATE TABLE b ();\n'],
  ];
  const read = async (files: Record<string, string>) => {
    const folder = await mkdtemp(join(tmpdir(), 'module-files-'));
    try {
      for (const module of ['_every', 'crm']) await mkdir(join(folder, module));
      await writeFile(join(folder, '_every', '0001_settings.sql'), 'SELECT 1');
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'crm', name), text);
      return (await readModuleMigrations(folder, 'crm')).slice(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test.each(forms)('run with line feeds: %s', async (_form, text) => {
    expect((await read({ '0001_tables.sql': text })).map(({ sql }) => sql)).toEqual([lines('\n')]);
  });

  // A checksum that is stored already is that of the file as it was, with its line ends.
  test.each(
    forms.flatMap(([was, before]) =>
      forms
        .filter(([is]) => was === is || was !== 'mixed line ends')
        .map(([is, now]) => [was, is, before, now] as const),
    ),
  )('count as unchanged: they ran with %s and have %s now', async (_was, _is, before, now) => {
    const checksum = createHash('sha256').update(before.replace('\ufeff', '')).digest('hex');
    const applied = [{ name: 'crm/0001_tables.sql', checksum }];
    expect(findMissing('crm_acme', await read({ '0001_tables.sql': now }), applied)).toEqual([]);
  });

  test('count as changed when anything else differs', async () => {
    const [changed] = await read({ '0001_tables.sql': lines('\n').replace('b', 'c') });
    const checksum = createHash('sha256').update(lines('\n')).digest('hex');
    const applied = [{ name: 'crm/0001_tables.sql', checksum }];
    expect(() => findMissing('crm_acme', changed ? [changed] : [], applied)).toThrow(
      'was changed after it ran',
    );
  });

  test.each([
    '._0001_tables.sql',
    '.0001_tables.sql.swp',
    '.#0001_tables.sql',
    '#0001_tables.sql#',
    '0001_tables.sql~',
    '0001_tables.sql.bak',
    '0001_tables.sql.orig',
    '.DS_Store',
    'Thumbs.db',
    'README.md',
    '..data',
  ])('are not those that programs leave beside them: %s', async (name) => {
    const files = await read({ '0001_tables.sql': 'SELECT 1', [name]: '\0\u0005\u0016' });
    expect(files.map((file) => file.name)).toEqual(['crm/0001_tables.sql']);
  });
});

test.each(invalid)('a migration and a map in %s are refused by their names', async (_, content, message) => {
  const folder = await mkdtemp(join(tmpdir(), 'utf8-'));
  try {
    for (const module of ['_every', 'crm']) await mkdir(join(folder, module));
    await writeFile(join(folder, '_every', '0001_settings.sql'), 'SELECT 1');
    await writeFile(join(folder, 'crm', '0001_tables.sql'), content);
    await expect(readModuleMigrations(folder, 'crm')).rejects.toThrow(`crm/0001_tables.sql ${message}`);
    const map = join(folder, 'map.csv');
    await writeFile(map, content);
    const { code, stderr } = await run(['import', 'databases', '--map', map], {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: `VALIDATION_ERROR: --map ${map} ${message}\n` });
  } finally {
    await rm(folder, { recursive: true });
  }
});
