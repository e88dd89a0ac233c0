/** The file of --columns: tables of any other shape, and what their columns mean. */
import { parse } from 'yaml';
import { z } from 'zod';
import { invalidField, RegistryError } from '../../errors.js';
import { shapes, type TableRole, tableRoles } from './table-shape.js';

/** A table with the column of each meaning. */
export interface MappedTable {
  /** undefined: in any schema of the role's search_path. */
  schema: string | undefined;
  name: string;
  role: TableRole;
  columns: Readonly<Record<string, string>>;
}

export type ColumnMap = readonly MappedTable[];

const identifierText = z.string().min(1, 'must not be empty').max(63, 'must have at most 63 characters');

const TableShape = z.strictObject({
  table: z.string().min(1, 'must not be empty').max(127, 'must have at most 127 characters'),
  is: z.enum(tableRoles, { error: `must be one of ${tableRoles.join(', ')}` }),
  columns: z.record(z.string(), identifierText),
});

const MapShape = z.strictObject({
  tables: z.array(TableShape).min(1, 'must name a table'),
});

/** The meaning without which a table of the role says nothing. */
export const required: Readonly<Record<TableRole, readonly string[]>> = {
  tenants: ['id'],
  settings: ['tenant'],
  branding: ['tenant'],
  users: ['tenant', 'email'],
  invitations: ['tenant', 'email'],
  log: ['tenant', 'module', 'created_at'],
};

/** Reads a map of columns, YAML or JSON. Throws VALIDATION_ERROR with every problem. */
export function readColumnMap(text: string): ColumnMap {
  const read = MapShape.safeParse(parseYaml(text));
  if (!read.success)
    throw new RegistryError(
      'VALIDATION_ERROR',
      `The map of columns has problems: ${read.error.issues.map(({ path, message }) => `${path.join('.') || 'it'} ${message}`).join('; ')}`,
    );
  return read.data.tables.map(({ table, is, columns }) => {
    const known = Object.keys(shapes[is].columns);
    const unknown = Object.keys(columns).filter((meaning) => !known.includes(meaning));
    if (unknown.length > 0)
      throw invalidField(
        '--columns',
        `${table} has the unknown meanings ${unknown.join(', ')}: use ${known.join(', ')}`,
      );
    const missing = required[is].filter((meaning) => columns[meaning] === undefined);
    if (missing.length > 0)
      throw invalidField('--columns', `${table} lacks the column of ${missing.join(' and ')}`);
    const dot = table.indexOf('.');
    return {
      schema: dot < 0 ? undefined : table.slice(0, dot),
      name: table.slice(dot + 1),
      ...{ role: is, columns },
    };
  });
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw invalidField(
      '--columns',
      `is not valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : 'unreadable'}`,
    );
  }
}
