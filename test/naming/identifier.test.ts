import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { identifier } from '../../src/database/identifier.js';

let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
});
afterAll(() => client.end());

/** The name that PostgreSQL reads from quoted text. */
async function readBack(quoted: string): Promise<string[]> {
  const { fields } = await client.query(`SELECT 1 AS ${quoted}`);
  return fields.map(({ name }) => name);
}

describe('a name put into SQL', () => {
  test.each([
    ['acme', '"acme"'],
    ['Acme', '"Acme"'],
    ['select', '"select"'],
    ['a"b', '"a""b"'],
    ['"; DROP TABLE tenants; --', '"""; DROP TABLE tenants; --"'],
    ['a, public', '"a, public"'],
    ["it's", `"it's"`],
    ['a.b', '"a.b"'],
    ['$user', '"$user"'],
    ['a\\b', '"a\\b"'],
  ])('%s is quoted as %s', (name, quoted) => {
    expect(identifier(name)).toBe(quoted);
  });

  test('is read back by PostgreSQL as the same name', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 63);
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        expect(await readBack(identifier(text))).toEqual([text]);
      }),
      { numRuns: 200 },
    );
  });

  test('is refused beyond 63 bytes, where PostgreSQL would truncate it to a possibly different name', async () => {
    const longest = 'a'.repeat(63);
    expect(await readBack(identifier(longest))).toEqual([longest]);
    for (const name of ['a'.repeat(64), `${'a'.repeat(62)}é`, 'é'.repeat(32), 'a'.repeat(10_000)])
      expect(() => identifier(name)).toThrow(RangeError);
  });

  test.each([['']].concat([['\0'], ['a\0'], ['a\0b']]))(
    'is refused when it is empty or contains NUL: %j',
    (name) => {
      expect(() => identifier(name)).toThrow(RangeError);
    },
  );
});
