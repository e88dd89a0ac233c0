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

test('columns keep their minimal width, even if the table is wider than the terminal', () => {
  expect(renderTable(rows, columns, 5)[1]).toBe('0198…  Acme');
});
