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

test('a table has its titles and one line per row', () => {
  expect(renderTable(rows, columns, undefined)).toEqual([
    'ID                  NAME',
    '0198f000-0000-7000  Acme',
    '2                   –',
  ]);
});

test.each([24, 20, 11])('in %d characters it is cut where it is widest', (width) => {
  const lines = renderTable(rows, columns, width);
  expect(Math.max(...lines.map((line) => line.length))).toBe(width);
  expect(lines[1]).toMatch(/^0198.* {2}Acme$/);
});

test('narrower than what must be seen, it is wider than the terminal', () => {
  expect(renderTable(rows, columns, 5)[1]).toBe('0198…  Acme');
});
