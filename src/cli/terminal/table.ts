import stringWidth from 'string-width';
import { joinersInPlace } from '../../registry/joiners.js';
import { colorOf, paint } from './color.js';

export interface Column<Row> {
  title: string;
  read: (row: Row) => string | null;
  /** Minimal width when the terminal is narrow; Infinity for names that people copy, which are never cut. */
  least: number;
  /** Colours a cell, which has been cut and padded to its width. */
  paint?: (cell: string, row: Row) => string;
}

const gap = '  ';

/**
 * Rows under their titles. If they are wider than `width`, the widest columns are cut first; undefined and 0, which
 * some terminals tell, mean no limit.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number | undefined,
): string[] {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ read }) => visible(read(row) ?? '–'))),
  ];
  const widths = columns.map((_column, index) =>
    Math.max(...lines.map((line) => stringWidth(line[index] ?? ''))),
  );
  if (width) narrow(widths, columns, width - gap.length * (columns.length - 1));
  return lines.map((line, at) =>
    line
      .map((cell, index) => {
        const row = rows[at - 1];
        const padded = pad(cell, widths[index] ?? 0);
        return row === undefined ? padded : (columns[index]?.paint?.(padded, row) ?? padded);
      })
      .join(gap)
      .trimEnd(),
  );
}

/** A table under a title in bold, indented; "none" without rows. */
export function renderSection<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string[] {
  const width = process.stdout.columns && process.stdout.columns - 2;
  const lines = rows.length > 0 ? renderTable(rows, columns, width) : ['none'];
  return [...renderHeading(title), ...lines.map((line) => `  ${line}`)];
}

export function renderHeading(title: string): string[] {
  return ['', paint('bold', title)];
}

/** The column of a status, in the colour of the status. */
export const statusColumn = {
  title: 'STATUS',
  read: ({ status }: { status: string }) => status.toLowerCase(),
  least: 6,
  paint: (cell: string, { status }: { status: string }) => paint(colorOf(status), cell),
};

/** A time to the minute. */
export function minuteOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

const hiding = new RegExp(`(${joinersInPlace.source})|[\\p{C}\\p{Zl}\\p{Zp}]`, 'gu');

/** Replaces control characters, which data inserted by SQL could contain, so that they cannot control the terminal. */
export function visible(text: string): string {
  return text.replace(hiding, (_found, kept: string | undefined) => kept ?? '�');
}

function narrow<Row>(widths: number[], columns: readonly Column<Row>[], available: number): void {
  for (let over = widths.reduce((sum, one) => sum + one, 0) - available; over > 0; over--) {
    const spare = widths.map((one, index) => one - (columns[index]?.least ?? 0));
    const widest = spare.indexOf(Math.max(...spare));
    if ((spare[widest] ?? 0) <= 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Pads a cell to its width, or cuts it between two characters as people count them, some of which are two columns wide. */
function pad(cell: string, width: number): string {
  const whole = stringWidth(cell);
  if (whole <= width) return cell + ' '.repeat(width - whole);
  let [cut, used] = ['', 0];
  for (const { segment } of graphemes.segment(cell)) {
    const wider = used + stringWidth(segment);
    if (wider > width - 1) break;
    [cut, used] = [cut + segment, wider];
  }
  return `${cut}…${' '.repeat(width - 1 - used)}`;
}
