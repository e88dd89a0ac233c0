import type { Tenant } from '../database/generated/prisma/client.js';

/** Columns that do not have the name of their field in snake case. */
const columnsByField: Readonly<Record<string, string>> = { config: 'tenant_config' };
const fieldsByColumn = Object.fromEntries(
  Object.entries(columnsByField).map(([field, column]) => [column, field]),
);

/** Fields whose values are enums, which the database spells in small letters. */
const enumFields = new Set(['status', 'plan', 'configSource', 'statusBeforeDeletion']);

/** The column of a field of Prisma. */
export function columnOf(field: string): string {
  return columnsByField[field] ?? field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A parameter for the column of a field. */
export function toParameter(field: string, value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return enumFields.has(field) ? value.toLowerCase() : value;
  return JSON.stringify(value);
}

/** A row of `SELECT * FROM tenants`, with the names and values of Prisma. */
export function readTenantRow(row: Readonly<Record<string, unknown>>): Tenant {
  const fields = Object.entries(row).map(([column, value]) => {
    const field =
      fieldsByColumn[column] ?? column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [field, typeof value === 'string' && enumFields.has(field) ? value.toUpperCase() : value];
  });
  // All columns of the table are fields of the model, which a test compares.
  return Object.fromEntries(fields) as Tenant;
}
