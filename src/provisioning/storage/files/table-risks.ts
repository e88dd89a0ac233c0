import type { TableCommand } from './alter-table.js';
import { checkedColumn, type KnownTables } from './known-tables.js';
import { readName, type Tree, visitTree } from './parsed-file.js';
import type { RiskCode } from './risk-texts.js';

/** A risk of a statement, with what its text names. */
export interface Risk {
  code: RiskCode;
  about: string;
}

/** The risks of one command of ALTER TABLE for a table with data. Remembers constraints for the statements behind it. */
export function findCommandRisks(table: string, command: TableCommand, known: KnownTables): Risk[] {
  const { subtype, name, column, constraint, isConcurrent } = command;
  const about = `${table}.${name}`;
  switch (subtype) {
    case 'AT_AddColumn':
      return findColumnRisks(table, column);
    case 'AT_AlterColumnType':
      return [{ code: 'TABLE_REWRITE', about }];
    case 'AT_SetNotNull':
      return known.notNull.has(about) ? [] : [{ code: 'NOT_NULL_SCANS', about }];
    case 'AT_AddConstraint':
      return findConstraintRisks(table, constraint, known);
    case 'AT_ValidateConstraint': {
      const checked = known.unvalidated.get(about);
      if (checked !== undefined) known.notNull.add(checked);
      return known.addedHere.has(about) ? [{ code: 'VALIDATED_UNDER_LOCK', about }] : [];
    }
    case 'AT_DropColumn':
      return [{ code: 'COLUMN_DROPPED', about }];
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
    case 'AT_SetTableSpace':
    case 'AT_SetAccessMethod':
    case 'AT_SetExpression':
      return [{ code: 'TABLE_REWRITE', about: about.replace(/\.$/, '') }];
    case 'AT_AttachPartition':
      return [{ code: 'ATTACHED_PARTITION_SCANNED', about: table }];
    case 'AT_DetachPartition':
      return isConcurrent ? [] : [{ code: 'DETACHED_UNDER_LOCK', about: table }];
    default:
      return [];
  }
}

function findColumnRisks(table: string, column: Tree): Risk[] {
  const about = `${table}.${String(column.colname)}`;
  const constraints = ((column.constraints ?? []) as { Constraint?: Tree }[]).map(
    ({ Constraint }) => Constraint ?? {},
  );
  const has = (kind: string) => constraints.some(({ contype }) => contype === kind);
  const value = constraints.find(({ contype }) => contype === 'CONSTR_DEFAULT')?.raw_expr;
  const isSerial = /^(big|small)?serial/.test(
    readName((column.typeName as Tree | undefined)?.names)?.at(-1) ?? '',
  );
  const stored = constraints.find(({ contype }) => contype === 'CONSTR_GENERATED');
  // A virtual column is computed when it is read.
  const isStored = stored !== undefined && stored.generated_kind !== 'v';
  const risks: Risk[] = [];
  if (isSerial || has('CONSTR_IDENTITY') || isStored || isVolatile(value))
    risks.push({ code: 'TABLE_REWRITE', about });
  const isFilled = isSerial || has('CONSTR_IDENTITY') || stored !== undefined || value !== undefined;
  if ((has('CONSTR_NOTNULL') || has('CONSTR_PRIMARY')) && !isFilled)
    risks.push({ code: 'NOT_NULL_WITHOUT_VALUE', about });
  if (has('CONSTR_UNIQUE') || has('CONSTR_PRIMARY')) risks.push({ code: 'UNIQUE_BLOCKS_WRITES', about });
  if (has('CONSTR_FOREIGN') && value !== undefined) risks.push({ code: 'FOREIGN_KEY_SCANS', about });
  if (has('CONSTR_CHECK')) risks.push({ code: 'CHECK_SCANS', about });
  return risks;
}

/** Functions with the same value for all rows of a statement. */
const stable = new Set([
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'lower',
  'upper',
  'length',
  'to_jsonb',
]);

/** Whether a default differs from row to row, so that every row is written. */
function isVolatile(value: unknown): boolean {
  let found = false;
  visitTree(value, (field, node) => {
    if (field === 'FuncCall' && !stable.has(readName(node.funcname)?.at(-1) ?? '')) found = true;
  });
  return found;
}

function findConstraintRisks(table: string, constraint: Tree, known: KnownTables): Risk[] {
  const about = `${table}.${String(constraint.conname ?? '')}`;
  const isSkipped = constraint.skip_validation === true;
  const column = checkedColumn(constraint);
  if (isSkipped) known.addedHere.add(about);
  if (column !== undefined) {
    if (isSkipped) known.unvalidated.set(about, `${table}.${column}`);
    else known.notNull.add(`${table}.${column}`);
  }
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN':
      return isSkipped ? [] : [{ code: 'FOREIGN_KEY_SCANS', about }];
    case 'CONSTR_CHECK':
      return isSkipped ? [] : [{ code: 'CHECK_SCANS', about }];
    case 'CONSTR_NOTNULL':
      return isSkipped ? [] : [{ code: 'NOT_NULL_SCANS', about }];
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY':
    case 'CONSTR_EXCLUSION':
      return constraint.indexname === undefined ? [{ code: 'UNIQUE_BLOCKS_WRITES', about }] : [];
    default:
      return [];
  }
}
