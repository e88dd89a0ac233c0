import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { type FieldProblem, RegistryError } from '../../errors.js';
import { slug, text, uuid } from '../../registry/input.js';
import { existingName } from '../../registry/storage-name.js';

/**
 * A line of the operator's map: a schema, or the database of one tenant, and its tenant. Only the schema is required.
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
 * Reads a CSV file of schema, id, slug and name, in this order or in the order of its header line. Throws
 * VALIDATION_ERROR with every problem, by line and column; one wrong row makes the whole file invalid.
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
    return {
      line: info.lines,
      schema: read('schema') ?? '',
      id: read('id'),
      slug: read('slug'),
      name: read('name'),
    };
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

function parseCsv(csv: string): ParsedRecord[] {
  try {
    // The types of the package do not describe records with `info`.
    return parse(csv, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as ParsedRecord[];
  } catch (error) {
    throw new RegistryError('VALIDATION_ERROR', `The map is not a CSV file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
