import { expect, test } from 'vitest';
import { renderTable } from '../../src/cli/table.js';

const columns = [
  { title: 'ID', read: ({ id }: { id: string }) => id, least: 5 },
  { title: 'NAME', read: ({ name }: { name: string | null }) => name, least: 4 },
];
const rows = [
  { id: '0198f000-0000-7000', name: 'Acme' },
  { id: '2', name: null },
];

test('a table has a line of titles and one line per row', () => {
  expect(renderTable(rows, columns, undefined)).toEqual([
    'ID                  NAME',
    '0198f000-0000-7000  Acme',
    '2                   –',
  ]);
});

test.each([24, 20, 11])('in %d characters, the widest column is cut first', (width) => {
  const lines = renderTable(rows, columns, width);
  expect(Math.max(...lines.map((line) => line.length))).toBe(width);
  expect(lines[1]).toMatch(/^0198.* {2}Acme$/);
});

test.each([undefined, 0])('without a width (%s) nothing is cut', (width) => {
  expect(renderTable(rows, columns, width)[1]).toBe('0198f000-0000-7000  Acme');
});

test('a column of names that people copy is never cut', () => {
  const whole = columns.map((column) => ({
    ...column,
    least: column.title === 'ID' ? Number.POSITIVE_INFINITY : 2,
  }));
  expect(renderTable(rows, whole, 10)[1]).toBe('0198f000-0000-7000  A…');
});

test('columns keep their minimal width, even if the table is wider than the terminal', () => {
  expect(renderTable(rows, columns, 5)[1]).toBe('0198…  Acme');
});
