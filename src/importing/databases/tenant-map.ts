import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { type FieldProblem, RegistryError } from '../../errors.js';
import { slug, text, uuid } from '../../registry/input.js';
import { existingName } from '../../registry/storage-name.js';

/**
 * A line of the operator's map: a schema, or the database of one tenant, and its tenant, by its id, its slug or both.
 */
export interface MapRow {
  line: number;
  schema: string;
  id: string | undefined;
  slug: string | undefined;
  name: string | undefined;
}

const rules = { schema: existingName, id: uuid, slug, name: text(200) } satisfies Record<string, z.ZodType>;
type Column = keyof typeof rules;
const columns = Object.keys(rules) as Column[];

interface ParsedRecord {
  record: string[];
  info: { lines: number };
}

/**
 * Reads a CSV file of schema, id, slug and name, in this order or in the order of its header line. Its cells are separated by
 * commas, semicolons or tabs, as spreadsheets save them. Throws VALIDATION_ERROR with every problem, by line and column; one
 * wrong row makes the whole file invalid, and so does one that would have no effect.
 */
export function readTenantMap(csv: string): MapRow[] {
  const [first, ...rest] = parseCsv(csv);
  if (!first) return [];
  const cells = first.record.map((cell) => cell.toLowerCase());
  const hasHeader = cells.includes('schema');
  const order = hasHeader ? cells : columns;
  const problems: FieldProblem[] = [];
  const addProblem = (line: number, column: string, message: string) =>
    problems.push({ field: `line ${line}, column ${column}`, message });

  if (hasHeader)
    for (const [index, cell] of cells.entries()) {
      if (!columns.includes(cell as Column))
        addProblem(first.info.lines, cell || String(index + 1), `is not one of ${columns.join(', ')}`);
      else if (cells.indexOf(cell) < index) addProblem(first.info.lines, cell, 'occurs twice');
    }
  const isHeaderRight = problems.length === 0;
  const rows = (hasHeader ? rest : [first, ...rest]).map(({ record, info }) => {
    if (record.length > order.length)
      addProblem(info.lines, String(order.length + 1), `is one more than ${order.join(', ')}`);
    const given = Object.fromEntries(record.map((cell, index) => [order[index], cell]));
    const read = (column: Column) => {
      const cell = given[column];
      if (cell === undefined || (cell === '' && column !== 'schema')) return undefined;
      const parsed = rules[column].safeParse(cell);
      if (parsed.success) return parsed.data;
      addProblem(info.lines, column, parsed.error.issues.map(({ message }) => message).join(', '));
      return undefined;
    };
    const row = {
      line: info.lines,
      schema: read('schema') ?? '',
      id: read('id'),
      slug: read('slug'),
      name: read('name'),
    };
    if (isHeaderRight && !given.id && !given.slug)
      addProblem(
        info.lines,
        'slug',
        'and column id are empty, so the line has no effect: fill in one of them',
      );
    return row;
  });
  for (const { line, column, message } of findContradictions(rows)) addProblem(line, column, message);
  if (problems.length === 0) return rows;
  throw new RegistryError(
    'VALIDATION_ERROR',
    `The map has problems: ${problems.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
    { fields: problems },
  );
}

/** Finds contradictions: each schema belongs to one tenant, and an id always has the same slug. */
function findContradictions(rows: readonly MapRow[]) {
  const found: { line: number; column: Column; message: string }[] = [];
  const lineOfSchema = new Map<string, number>();
  const rowOfId = new Map<string, MapRow>();
  const rowOfSlug = new Map<string, MapRow>();
  for (const row of rows) {
    const { line, schema, id, slug: rowSlug } = row;
    const earlier = lineOfSchema.get(schema);
    if (schema && earlier) found.push({ line, column: 'schema', message: `is already in line ${earlier}` });
    lineOfSchema.set(schema, earlier ?? line);
    const sameId = id === undefined ? undefined : rowOfId.get(id);
    if (sameId && rowSlug && sameId.slug && sameId.slug !== rowSlug)
      found.push({ line, column: 'slug', message: `line ${sameId.line} gives this id slug ${sameId.slug}` });
    const sameSlug = rowSlug === undefined ? undefined : rowOfSlug.get(rowSlug);
    if (sameSlug && id && sameSlug.id && sameSlug.id !== id)
      found.push({ line, column: 'id', message: `line ${sameSlug.line} gives this slug id ${sameSlug.id}` });
    if (id && !sameId?.slug) rowOfId.set(id, row);
    if (rowSlug && !sameSlug?.id) rowOfSlug.set(rowSlug, row);
  }
  return found;
}

const separators = [',', ';', '\t'];

/** Excel writes the separator into a line of its own where it is not the usual one. */
const separatorLine = /^\uFEFF?sep=(.)\r?\n/i;

function parseCsv(csv: string): ParsedRecord[] {
  const stated = separatorLine.exec(csv);
  const text = stated ? `\n${csv.slice(stated[0].length)}` : csv;
  try {
    const delimiter = stated?.[1] ?? findSeparator(text);
    // The types of the package do not describe records with `info`.
    return parse(text, { ...format, delimiter }) as unknown as ParsedRecord[];
  } catch (error) {
    throw new RegistryError('VALIDATION_ERROR', `The map is not a CSV file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const format = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true };

/** The one that divides the first line into the most cells. A comma, when none divides it. */
function findSeparator(text: string): string {
  const cellsBy = (delimiter: string) => {
    try {
      const [first] = parse(text, { ...format, delimiter, to: 1 }) as unknown as ParsedRecord[];
      return first?.record.length ?? 0;
    } catch {
      // A quoted cell ends at another character.
      return 0;
    }
  };
  return separators.reduce((best, next) => (cellsBy(next) > cellsBy(best) ? next : best));
}
