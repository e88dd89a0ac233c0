/** Rows of the registry that are read without Prisma, in the form that Prisma gives them. */
export interface RowForm {
  /** Fields whose values are enums, which the database spells in small letters. */
  enums: ReadonlySet<string>;
  /** Fields whose values are times. */
  times?: readonly string[];
  /** Columns of the fields that do not have the same name in snake case. */
  columns?: Readonly<Record<string, string>>;
}

/** The column of a field. */
export function columnOf({ columns = {} }: RowForm, field: string): string {
  return columns[field] ?? field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A parameter for the column of a field. */
export function toParameter(
  { enums }: RowForm,
  field: string,
  value: unknown,
): string | number | boolean | null {
  // Prisma leaves such a field alone, and a statement without Prisma must not name it.
  if (value === undefined) throw new TypeError(`${field} is undefined`);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return value.toISOString();
  // Names that need no quotation marks.
  if (Array.isArray(value)) return `{${value.join(',')}}`;
  if (typeof value === 'string') return enums.has(field) ? value.toLowerCase() : value;
  return JSON.stringify(value);
}

/** The fields of a row; those of type bigint are still texts. */
export function readRow(
  { enums, columns = {} }: RowForm,
  row: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const renamed = new Map(Object.entries(columns).map(([field, column]) => [column, field]));
  const fields = Object.entries(row).map(([column, value]) => {
    const field =
      renamed.get(column) ?? column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [field, typeof value === 'string' && enums.has(field) ? value.toUpperCase() : value];
  });
  return Object.fromEntries(fields);
}

/** As readRow, for a row that is part of a JSON document. */
export function readJsonRow(form: RowForm, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = readRow(form, row);
  for (const field of form.times ?? []) fields[field] = readTime(fields[field]);
  return fields;
}

/** A time in a row that is part of a JSON document. */
export function readTime(text: unknown): Date | null {
  return typeof text === 'string' ? new Date(text) : null;
}
