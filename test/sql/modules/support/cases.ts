import type { TenantSession } from './tenant-session.js';

/** The table of cases of a module: each names the object of the schema that it holds. */
export interface ModuleCases {
  /** Folder in modules/. */
  module: string;
  /** Rows that the rows of the cases refer to, in order of insertion. */
  seed: [table: string, row: Row][];
  tables: Record<string, TableCase>;
  checks: CheckCase[];
  references: ReferenceCase[];
  uniques: UniqueCase[];
  promises: PromiseCase[];
}

export type Row = Record<string, unknown>;

export interface TableCase {
  /** A valid row with a value for every column that has no default; columns of unique constraints differ at each call. */
  row(): Row;
  /** Columns that accept null; a row where null needs other values beside it. */
  optional: (string | Row)[];
  /** Values that PostgreSQL fills in; "uuid" is a new one each time, "now" the start of the transaction. */
  defaults: Row;
  /** Columns that nobody may write. */
  computed?: string[];
  /** Set when the migration itself makes the only row; each insert replaces it. */
  isSingle?: boolean;
  /** For varchar its length, for numeric its greatest value; "elsewhere" when another case holds it. */
  sizes: Record<string, number | string>;
}

/** Rows are the table's valid row with these values instead. */
export interface CheckCase {
  check: string;
  of: string;
  that: string;
  accepts: Row[];
  refuses: Row[];
}

export interface ReferenceCase {
  reference: string;
  of: string;
  column: string;
  to: string;
  /** Fate of the row when the row that it refers to is deleted. */
  deletion: 'is refused' | 'deletes the row';
  with?: Row;
  /** Other values that match no row of the referenced table. */
  refuses?: Row[];
}

export interface UniqueCase {
  unique: string;
  of: string;
  /** Inserted twice: the second is refused. */
  same: Row;
  /** Inserted beside the first. */
  differs: Row[];
}

export interface PromiseCase {
  /** Objects as the catalog lists them, such as "trigger stock_movement_refuse_change". */
  holds: string[];
  that: string;
  by(session: TenantSession): Promise<void>;
}

export const ids = {
  first: '00000000-0000-4000-8000-000000000001',
  second: '00000000-0000-4000-8000-000000000002',
  third: '00000000-0000-4000-8000-000000000003',
  fourth: '00000000-0000-4000-8000-000000000004',
  nobody: '00000000-0000-4000-8000-00000000dead',
};

let given = 0;

/** A text that no other row has. */
export function unique(stem: string): string {
  given += 1;
  return `${stem}-${given}`;
}

/** The case of a primary key that is one uuid. */
export function primaryKey(table: string): UniqueCase {
  return { unique: `${table}_pkey`, of: table, same: { id: ids.nobody }, differs: [{ id: ids.fourth }] };
}

/** Cases of a column that must hold one of the listed values. */
export function listed(
  of: string,
  column: string,
  values: string[],
  withValue: Record<string, Row> = {},
): CheckCase {
  return {
    check: `${of}_${column}_check`,
    of,
    that: `${column} is ${values.join(' or ')}`,
    accepts: values.map((value) => ({ ...withValue[value], [column]: value })),
    refuses: [{ [column]: 'other?' }, { [column]: '' }, { [column]: values[0]?.toUpperCase() }],
  };
}

export function notBlank(of: string, column: string): CheckCase {
  return {
    check: `${of}_${column}_check`,
    of,
    that: `${column} is not blank`,
    accepts: [{ [column]: 'x' }, { [column]: ' x ' }],
    refuses: [{ [column]: '' }, { [column]: '   ' }],
  };
}

/** An ISO code of capital letters. */
export function code(of: string, column: string, example: string): CheckCase {
  const first = example[0] ?? '';
  return {
    check: `${of}_${column}_check`,
    of,
    that: `${column} is a code such as ${example}`,
    accepts: [{ [column]: example }, { [column]: 'XYZ'.slice(0, example.length) }],
    refuses: [
      { [column]: example.toLowerCase() },
      { [column]: first },
      { [column]: `${example.slice(0, -1)}1` },
      { [column]: `1${example.slice(1)}` },
    ],
  };
}

/** A number with a least value that is accepted. */
export function atLeast(of: string, column: string, least: string, below: string, also: Row = {}): CheckCase {
  return {
    check: `${of}_${column}_check`,
    of,
    that: `${column} is at least ${least}`,
    accepts: [
      { ...also, [column]: least },
      { ...also, [column]: '7' },
    ],
    refuses: [{ ...also, [column]: below }],
  };
}

/** The same, of a numeric column, where NaN must not pass as the greatest number. */
export function atLeastNumeric(...given: Parameters<typeof atLeast>): CheckCase {
  const [, column, , , also] = given;
  const check = atLeast(...given);
  return { ...check, refuses: [...check.refuses, { ...also, [column]: 'NaN' }] };
}
