import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { renderTable } from '../../src/cli/terminal/table.js';

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

/** The columns that a terminal gives the text before the second column. */
const columnsBefore = (line: string | undefined, text: string) =>
  stringWidth((line ?? '').split(text)[0] ?? '');

describe('characters of other widths than their length', () => {
  const names: [string, number][] = [
    ['株式会社', 8],
    ['ＷＩＤＥ', 8],
    ['가나', 4],
    ['Cafe\u0301', 4],
    ['می\u200cخواهم', 7],
    ['ශ්\u200dරී', 2],
    ['👨\u200d👩\u200d👧', 2],
    ['👍🏽', 2],
    ['🇿🇦', 2],
    ['🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}', 2],
    ['x', 1],
  ];
  const wide = [
    { title: 'NAME', read: ({ name }: { name: string }) => name, least: 2 },
    { title: 'SLUG', read: () => 'slug', least: Number.POSITIVE_INFINITY },
  ];

  test('the next column begins in the same place on each line', () => {
    const [titles, ...lines] = renderTable(
      names.map(([name]) => ({ name })),
      wide,
      undefined,
    );
    expect(columnsBefore(titles, 'SLUG')).toBe(10);
    expect(lines.map((line) => columnsBefore(line, 'slug'))).toEqual(names.map(() => 10));
    // Nothing is replaced, because a name is shown as it is written.
    for (const [at, [name]] of names.entries()) expect(lines[at]?.startsWith(name)).toBe(true);
  });

  test.each(names)('%s takes %d columns', (name, columns) => {
    const [, line] = renderTable([{ name: `${name}|` }], wide, undefined);
    expect(columnsBefore(line, '|')).toBe(columns);
  });

  test.each([12, 11, 10, 9, 8])(
    'in %d columns, a line is no longer and no character is cut in two',
    (width) => {
      const lines = renderTable(
        names.map(([name]) => ({ name: name.repeat(12) })),
        wide,
        width,
      );
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      for (const [at, [name]] of names.entries()) {
        const [cut = ''] = lines[at + 1]?.split('…') ?? [];
        const characters = [...new Intl.Segmenter('en').segment(name.repeat(12))].map(
          ({ segment }) => segment,
        );

        expect(characters.map((_, to) => characters.slice(0, to).join(''))).toContain(cut);
      }
    },
  );
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
