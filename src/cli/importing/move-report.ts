import type { MoveReport } from '../../importing/databases/finish.js';
import { oneLine } from '../terminal/printable.js';
import { visible } from '../terminal/table.js';

/** Lines for the terminal about the end of a move: which tables are renamed, and what services see. */
export function describeFinish({ done, reasons, sql, tables }: MoveReport, isDryRun: boolean): string[] {
  const lines = tables.map(({ table, database, renamedTo }) =>
    oneLine(`Table ${table} in ${database} ${done ? 'is now' : 'would become'} ${renamedTo}`),
  );
  lines.push(...describeReasons(reasons, sql, 'Not finished'));
  if (reasons.length > 0) return lines;
  if (tables.length === 0) lines.push('The old tables were renamed before: nothing is left to rename.');
  else if (isDryRun)
    lines.push(
      `${tables.length} tables would be renamed, each with a last look while nobody can write to it.`,
    );
  else
    lines.push(
      `${tables.length} tables were renamed. Everything in them was taken over before, except what the lines above say was left out.`,
      'Services that read the registry see no change. A statement that names one of these tables fails with "relation does not exist", unless a view has its name.',
      'The tables keep their rows: "import databases --undo" gives them their names back, and DROP TABLE ends the move.',
    );
  return lines;
}

/** Lines about an undo, with what becomes of the edits since the end of the move. */
export function describeUndo(
  { done, reasons, sql, tables, report }: MoveReport,
  isDryRun: boolean,
): string[] {
  const renamed = tables.filter(({ why }) => why === null);
  const lines = tables.map(({ table, database, renamedTo, why }) =>
    oneLine(
      why === null
        ? `Table ${table} in ${database} ${done ? 'is' : 'would be'} ${renamedTo} again`
        : `Table ${table} in ${database} keeps its name: ${why}`,
    ),
  );
  lines.push(...describeReasons(reasons, sql, 'Not undone'));
  if (reasons.length > 0) return lines;
  if (renamed.length === 0) return [...lines, 'No table has to be renamed back.', '0 changes.'];
  for (const { slug, differences, conflicts, changes } of report.tenants) {
    const told = [
      ...differences.map((one) => ({
        ...one,
        what: 'stays as it is in the registry, and the old table keeps what it has',
      })),
      ...conflicts.map((one) => ({
        ...one,
        what: 'was edited on both sides: each keeps its value until --prefer decides',
      })),
    ];
    for (const { path, values, what } of told) {
      const said = values
        .map(({ source, value }) => `${visible(JSON.stringify(value))} in ${visible(source)}`)
        .join(', ');
      lines.push(`${visible(slug ?? '')}: ${visible(path)} is ${said}: it ${what}`);
    }
    for (const { path, after } of changes)
      lines.push(
        `${visible(slug ?? '')}: ${visible(path)} became ${visible(JSON.stringify(after))} in the old table: the next import takes it over`,
      );
  }
  for (const slug of report.onlyInRegistry)
    lines.push(`${visible(slug)}: is only in the registry, and the old tables do not get it`);
  lines.push(
    isDryRun
      ? `${renamed.length} tables would get their names back. Nothing is written to their rows.`
      : `${renamed.length} tables have their names back, with the rows that they had. Edits in the registry stay there and are not written to them.`,
  );
  return lines;
}

function describeReasons(reasons: readonly string[], sql: string | null, title: string): string[] {
  if (reasons.length === 0) return [];
  return [
    `${title}, and nothing was renamed:`,
    ...reasons.map((one) => `    ${oneLine(one)}`),
    ...(sql === null ? [] : [sql]),
  ];
}
