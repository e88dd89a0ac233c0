import { titleOf } from './files/allowed-statements.js';
import { tableCommandsOf } from './files/alter-table.js';
import {
  blocksServices,
  createKnownTables,
  type KnownTables,
  learn,
  nameOf,
  referredTables,
  targetsOf,
} from './files/known-tables.js';
import { type ParsedStatement, parseFile, readName } from './files/parsed-file.js';
import { riskTexts } from './files/risk-texts.js';
import { lockOf, strongest } from './files/statement-locks.js';
import { findCommandRisks, type Risk } from './files/table-risks.js';
import type { ModuleMigration } from './module-migrations.js';

/** A known risk of a statement for a tenant that has data and is in use. */
export interface StatementWarning {
  /** INDEX_BLOCKS_WRITES */
  code: string;
  message: string;
  remedy: string;
}

export interface DescribedStatement {
  /** Line of the file in which the statement begins, from 1. */
  line: number;
  text: string;
  /** The first words of the statement, such as "CREATE INDEX". */
  kind: string;
  /** The strongest lock that it takes on a table which exists before the file, such as "SHARE"; null: none. */
  lock: string | null;
  warnings: StatementWarning[];
}

export interface DescribedFile {
  name: string;
  runsAlone: boolean;
  statements: DescribedStatement[];
}

/**
 * Describes the statements of pending files, in their order. A table that these files create has no data, so it gets no warning. Files
 * that ran before tell which constraints exist already.
 */
export async function describeStatements(
  pending: readonly ModuleMigration[],
  ran: readonly ModuleMigration[] = [],
): Promise<DescribedFile[]> {
  const known = createKnownTables();
  for (const { sql } of ran)
    for (const statement of (await parseFile(sql)).statements) describe(statement, known);
  const files: DescribedFile[] = [];
  for (const { name, sql, runsAlone = false } of pending) {
    known.addedHere.clear();
    const describePending = (statement: ParsedStatement) => {
      const described = describe(statement, known);
      learn(known, statement);
      // Alone it is committed before another statement can use the value.
      const warnings = described.warnings.filter(({ code }) => !runsAlone || code !== 'VALUE_NOT_USABLE');
      return { ...described, warnings };
    };
    const { statements } = await parseFile(sql);
    files.push({ name, runsAlone, statements: statements.map((statement) => describePending(statement)) });
  }
  return files;
}

function describe(statement: ParsedStatement, known: KnownTables): DescribedStatement {
  const { kind, tree, line, text } = statement;
  const targets = targetsOf(statement);
  const isNew = targets.length > 0 && targets.every((name) => known.created.has(name));
  const isReferring = referredTables(tree).some((name) => !known.created.has(name));
  const own = isNew || (kind === 'CreateStmt' && !isReferring) ? null : lockOf(kind, tree);
  const lock = strongest([own, isReferring && kind !== 'DropStmt' ? 'SHARE ROW EXCLUSIVE' : null]);
  const risks = isNew ? [] : findRisks(statement, targets, known);
  return { line, text, kind: titleOf(statement), lock, warnings: risks.map(toWarning) };
}

function toWarning({ code, about }: Risk): StatementWarning {
  const { message, remedy } = riskTexts[code];
  return { code, message: message.replace('$', () => about), remedy };
}

function findRisks({ kind, tree }: ParsedStatement, targets: readonly string[], known: KnownTables): Risk[] {
  const about = targets.join(', ');
  const risk = (code: Risk['code'], named = about): Risk[] => [{ code, about: named }];
  switch (kind) {
    case 'AlterTableStmt':
      return tree.objtype === 'OBJECT_TABLE'
        ? tableCommandsOf(tree).flatMap((command) => findCommandRisks(about, command, known))
        : [];
    case 'IndexStmt':
      return tree.concurrent === true ? [] : risk('INDEX_BLOCKS_WRITES', nameOf(tree.relation) ?? about);
    case 'DropStmt':
      return isUsed(tree.removeType) ? risk('TABLE_DROPPED') : [];
    case 'RenameStmt':
      return isUsed(tree.renameType) || tree.renameType === 'OBJECT_COLUMN'
        ? risk('RENAMED', [about, tree.subname].filter(Boolean).join('.'))
        : [];
    case 'TruncateStmt':
      return risk('ROWS_DROPPED');
    case 'UpdateStmt':
    case 'DeleteStmt':
      return tree.whereClause === undefined ? risk('WHOLE_TABLE_WRITTEN') : [];
    case 'LockStmt':
    case 'ClusterStmt':
    case 'ReindexStmt':
    case 'VacuumStmt':
    case 'RefreshMatViewStmt':
      return blocksServices(lockOf(kind, tree)) ? risk('TABLE_LOCKED') : [];
    case 'CreateTrigStmt':
      return risk('TRIGGER_BLOCKS_WRITES');
    case 'AlterEnumStmt':
      return isNewValueLate(tree, known) ? risk('VALUE_NOT_USABLE', `type ${typeOf(tree)}`) : [];
    case 'DoStmt':
    case 'CallStmt':
      return risk('EFFECT_UNKNOWN', kind === 'DoStmt' ? 'the DO block' : 'the procedure');
    default:
      return [];
  }
}

/** Kinds of objects that a service names in its statements. */
function isUsed(kind: unknown): boolean {
  return /^OBJECT_(TABLE|VIEW|MATVIEW|SEQUENCE|FUNCTION|PROCEDURE|ROUTINE|TYPE|DOMAIN)$/.test(String(kind));
}

function typeOf(tree: ParsedStatement['tree']): string {
  return readName(tree.typeName)?.at(-1) ?? '';
}

function isNewValueLate(tree: ParsedStatement['tree'], known: KnownTables): boolean {
  return tree.newVal !== undefined && tree.oldVal === undefined && !known.created.has(typeOf(tree));
}
