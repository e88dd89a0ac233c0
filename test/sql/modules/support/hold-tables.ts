import { describe, expect, test } from 'vitest';
import type { ModuleCases, Row } from './cases.js';
import type { SchemaOfFile } from './hold-cases.js';

/** The values that each column accepts by itself: null, its default, its greatest value. */
export function holdTables({ tables }: ModuleCases, schema: SchemaOfFile): void {
  for (const [table, given] of Object.entries(tables))
    describe(`columns of ${table}`, () => {
      const columns = Object.keys({ ...given.row(), ...given.defaults });

      test('are null where they may be', async () => {
        const optional = given.optional.map((one) => (typeof one === 'string' ? { [one]: null } : one));
        const outcomes = [];
        for (const column of columns) {
          const values = optional.find((row) => row[column] === null) ?? { [column]: null };
          outcomes.push([column, await schema.session.tryInsert(table, values)]);
        }
        const expected = (column: string) =>
          optional.some((row) => row[column] === null) ? 'done' : `23502 ${column}`;
        expect(outcomes).toEqual(columns.map((column) => [column, expected(column)]));
      });

      test('are filled in where they have a default', async () => {
        const inserted = await schema.session.insert(table);
        const [clock] = await schema.session.query(
          `SELECT to_jsonb(now()) AS "withZone", to_jsonb(now()::timestamp) AS "local"`,
        );
        const expected = Object.entries(given.defaults).map(([column, value]) => [
          column,
          expectedDefault(value, clock ?? {}),
        ]);
        expect(inserted).toMatchObject(Object.fromEntries(expected));
      });

      test('keep what is written', async () => {
        const written = given.row();
        const read = await schema.session.insert(table, written);
        const expected = Object.entries(written).map(([column, value]) => [
          column,
          asRead(value, read[column]),
        ]);
        expect(read).toMatchObject(Object.fromEntries(expected));
      });

      test('keep what is written, up to their size', async () => {
        for (const [column, size] of Object.entries(given.sizes)) {
          if (size === 'elsewhere') continue;
          const { fits, exceeds, refusal } = boundsOf(size);
          const inserted = await schema.session.insert(table, { [column]: fits });
          const [kept] = await schema.session.query(
            `SELECT to_jsonb($1::${typeof size === 'number' ? 'text' : 'numeric'}) AS value`,
            [fits],
          );
          expect([column, inserted[column]]).toEqual([column, kept?.value]);
          const outcome = await schema.session.outcomeOfInsert(table, { [column]: exceeds });
          expect([column, outcome.slice(0, 5)]).toEqual([column, refusal]);
        }
      });

      test('are computed by PostgreSQL alone where they are computed', async () => {
        for (const column of given.computed ?? []) {
          const outcome = await schema.session.outcomeOfInsert(table, { [column]: 1 });
          expect([column, outcome.slice(0, 5)]).toEqual([column, '428C9']);
        }
      });
    });
}

function expectedDefault(value: unknown, clock: Row): unknown {
  if (value === 'uuid') return expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  if (value === 'now') return clock.withZone;
  if (value === 'local now') return clock.local;
  return value;
}

/** The value as JSON says it: a number as such, a time with its zone, JSON parsed. */
function asRead(written: unknown, read: unknown): unknown {
  if (typeof written !== 'string') return written;
  if (typeof read === 'number') return Number(written);
  if (written.startsWith('{')) return JSON.parse(written);
  return written.replace(/(T.*)Z$/, '$1+00:00');
}

function boundsOf(size: number | string): { fits: string; exceeds: string; refusal: string } {
  if (typeof size === 'number')
    return { fits: 'x'.repeat(size), exceeds: 'x'.repeat(size + 1), refusal: '22001' };
  return { fits: size, exceeds: `1${size}`, refusal: '22003' };
}
