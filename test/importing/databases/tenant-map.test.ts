import { describe, expect, test } from 'vitest';
import { RegistryError } from '../../../src/errors.js';
import { readTenantMap } from '../../../src/importing/databases/tenant-map.js';

const id = '0198f000-0000-7000-8000-00000000000a';
const whole = { schema: 'finance_acme', id, slug: 'acme', name: 'Acme' };

function problemsOf(csv: string): string[] {
  try {
    readTenantMap(csv);
    return [];
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    expect(error.message).toMatch(/^The map has problems: /);
    return error.message.replace('The map has problems: ', '').split('; ');
  }
}

describe('a map of tenants', () => {
  test.each([
    ['without a header', `finance_acme,${id},acme,Acme\n`],
    ['with a header', `schema,id,slug,name\nfinance_acme,${id},acme,Acme`],
    [
      'with a header in another order and in capitals',
      `Name,SLUG,Schema,Id\nAcme,acme,finance_acme,${id.toUpperCase()}`,
    ],
    [
      'with a byte order mark, blanks and CRLF',
      `\ufeffschema,id,slug,name\r\n\r\n finance_acme , ${id} , acme , Acme \r\n`,
    ],
    [
      'with semicolons, as Excel saves it where the comma is a decimal point',
      `schema;id;slug;name\nfinance_acme;${id};acme;Acme`,
    ],
    ['with semicolons and without a header', `finance_acme;${id};acme;Acme`],
    ['with tabs', `schema\tid\tslug\tname\r\nfinance_acme\t${id}\tacme\tAcme`],
    [
      'with a line that names the separator',
      `\ufeffsep=;\r\nschema;id;slug;name\r\nfinance_acme;${id};acme;Acme`,
    ],
    ['with a line that names another one than it would seem', `sep=|\n"finance_acme"|${id}|acme|Acme`],
    ['with quotes around every cell', `"schema";"id";"slug";"name"\n"finance_acme";"${id}";"acme";"Acme"`],
  ])('%s is read', (_what, csv) => {
    expect(readTenantMap(csv)).toEqual([expect.objectContaining(whole)]);
  });

  test('needs the schema and a slug or an id, and keeps other separators inside quotes and cells', () => {
    expect(readTenantMap(`schema,slug,id,name\n"tenant_a,b",a1,,"Acme, Inc; a"\ntenant_c;d,,${id},`)).toEqual(
      [
        { line: 2, schema: 'tenant_a,b', id: undefined, slug: 'a1', name: 'Acme, Inc; a' },
        { line: 3, schema: 'tenant_c;d', id, slug: undefined, name: undefined },
      ],
    );
    expect(readTenantMap('schema;slug;name\ntenant_a;a1;Acme, Inc')).toEqual([
      { line: 2, schema: 'tenant_a', id: undefined, slug: 'a1', name: 'Acme, Inc' },
    ]);
    expect(readTenantMap('')).toEqual([]);
  });

  test('is refused with the line and column of every wrong cell', () => {
    expect(
      problemsOf(
        `schema,id,slug,name\npg_acme,1,Acme,\n,${id},b1,B\nx,,,,more\nx,${id},c1,\ny,,b1,\nz,${id},,`,
      ),
    ).toEqual([
      'line 2, column schema: must not start with pg_, which PostgreSQL keeps for itself',
      'line 2, column id: must be a UUID',
      'line 2, column slug: must be lower-case letters and digits, in words joined by single - or _, and start with a letter',
      'line 3, column schema: must not be empty',
      'line 4, column 5: is one more than schema, id, slug, name',
      'line 4, column slug: and column id are empty, so the line has no effect: fill in one of them',
      'line 5, column schema: is already in line 4',
      'line 5, column slug: line 3 gives this id slug b1',
    ]);
    expect(problemsOf('schema,tenant\nx,y')).toEqual([
      'line 1, column tenant: is not one of schema, id, slug, name',
    ]);
  });

  test.each([
    ['a schema alone', 'tenant_a', 1],
    ['a schema and a name', 'schema,id,slug,name\ntenant_a,,a1,\ntenant_b,,,Beta', 3],
    ['semicolons under a header with commas', 'schema,id,slug,name\ntenant_a;;a1;Alpha', 2],
  ])('is refused when a line has no effect: %s', (_what, csv, line) => {
    expect(problemsOf(csv)).toEqual([
      `line ${line}, column slug: and column id are empty, so the line has no effect: fill in one of them`,
    ]);
  });

  test('that is not a CSV file is refused with the line', () => {
    expect(() => readTenantMap('schema,name\nx,"open')).toThrow(/not a CSV file.*line/i);
  });
});
