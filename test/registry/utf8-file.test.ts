import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readModuleMigrations } from '../../src/provisioning/storage/module-migrations.js';
import { readUtf8 } from '../../src/registry/utf8-file.js';
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

test('a file in UTF-8 is read as it is', () => {
  const text = '\ufeffcafé 😀\r\n';
  expect(readUtf8(Buffer.from(text), 'a.sql')).toBe(text);
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
