import { hasOption } from './allowed-statements.js';
import { type TableCommand, tableCommandsOf } from './alter-table.js';
import type { Tree } from './parsed-file.js';

/** PostgreSQL's locks of tables that a statement of a migration takes, from the weakest on. */
const locks = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;

export type TableLock = (typeof locks)[number];

/** The lock that a statement takes on the tables that it names; null for statements that lock no existing table. */
export function lockOf(kind: string, tree: Tree): TableLock | null {
  const known = lockByKind[kind];
  return typeof known === 'function' ? known(tree) : (known ?? null);
}

const lockByKind: Readonly<Record<string, TableLock | ((tree: Tree) => TableLock | null)>> = {
  AlterTableStmt: (tree) => strongest(tableCommandsOf(tree).map(lockOfCommand)),
  IndexStmt: ({ concurrent }) => (concurrent === true ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE'),
  DropStmt: ({ removeType, concurrent }) => {
    if (concurrent === true) return 'SHARE UPDATE EXCLUSIVE';
    return locksTable.has(String(removeType)) ? 'ACCESS EXCLUSIVE' : null;
  },
  RenameStmt: ({ renameType }) => {
    if (renameType === 'OBJECT_INDEX') return 'SHARE UPDATE EXCLUSIVE';
    return locksTable.has(String(renameType)) ? 'ACCESS EXCLUSIVE' : null;
  },
  CommentStmt: ({ objtype }) => (locksTable.has(String(objtype)) ? 'SHARE UPDATE EXCLUSIVE' : null),
  ViewStmt: ({ replace }) => (replace === true ? 'ACCESS EXCLUSIVE' : null),
  // A partition changes what its parent is.
  CreateStmt: ({ inhRelations, partbound }) =>
    inhRelations === undefined
      ? null
      : partbound === undefined
        ? 'SHARE UPDATE EXCLUSIVE'
        : 'ACCESS EXCLUSIVE',
  SelectStmt: ({ lockingClause }) => (lockingClause === undefined ? 'ACCESS SHARE' : 'ROW SHARE'),
  // In the catalogs of the grammar the modes count from 1.
  LockStmt: ({ mode }) => locks[Number(mode) - 1] ?? 'ACCESS EXCLUSIVE',
  RefreshMatViewStmt: ({ concurrent }) => (concurrent === true ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE'),
  VacuumStmt: ({ options }) => (hasOption(options, 'full') ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE'),
  ReindexStmt: ({ params }) =>
    hasOption(params, 'concurrently') ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE',
  ClusterStmt: 'ACCESS EXCLUSIVE',
  TruncateStmt: 'ACCESS EXCLUSIVE',
  RuleStmt: 'ACCESS EXCLUSIVE',
  CreatePolicyStmt: 'ACCESS EXCLUSIVE',
  AlterPolicyStmt: 'ACCESS EXCLUSIVE',
  CreateTrigStmt: 'SHARE ROW EXCLUSIVE',
  AlterSeqStmt: 'SHARE ROW EXCLUSIVE',
  CreateStatsStmt: 'SHARE UPDATE EXCLUSIVE',
  InsertStmt: 'ROW EXCLUSIVE',
  UpdateStmt: 'ROW EXCLUSIVE',
  DeleteStmt: 'ROW EXCLUSIVE',
  MergeStmt: 'ROW EXCLUSIVE',
};

/** Kinds of objects whose change locks a table. */
const locksTable = new Set(
  [
    'TABLE',
    'VIEW',
    'MATVIEW',
    'INDEX',
    'SEQUENCE',
    'COLUMN',
    'TABCONSTRAINT',
    'TRIGGER',
    'RULE',
    'POLICY',
  ].map((kind) => `OBJECT_${kind}`),
);

/** The commands of ALTER TABLE that do not take the strongest lock; partly by what they add. */
const weakCommands: Readonly<Record<string, TableLock>> = {
  AT_SetStatistics: 'SHARE UPDATE EXCLUSIVE',
  AT_SetOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_ResetOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_ClusterOn: 'SHARE UPDATE EXCLUSIVE',
  AT_DropCluster: 'SHARE UPDATE EXCLUSIVE',
  AT_SetRelOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_ResetRelOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_ValidateConstraint: 'SHARE UPDATE EXCLUSIVE',
  AT_AttachPartition: 'SHARE UPDATE EXCLUSIVE',
  AT_DetachPartitionFinalize: 'SHARE UPDATE EXCLUSIVE',
  AT_EnableTrig: 'SHARE ROW EXCLUSIVE',
  AT_DisableTrig: 'SHARE ROW EXCLUSIVE',
};

function lockOfCommand({ subtype, constraint, isConcurrent }: TableCommand): TableLock {
  if (subtype === 'AT_AddConstraint' && constraint.contype === 'CONSTR_FOREIGN') return 'SHARE ROW EXCLUSIVE';
  if (isConcurrent) return 'SHARE UPDATE EXCLUSIVE';
  return weakCommands[subtype] ?? 'ACCESS EXCLUSIVE';
}

export function strongest(found: readonly (TableLock | null)[]): TableLock | null {
  const ranks = found.map((lock) => (lock === null ? -1 : locks.indexOf(lock)));
  return locks[Math.max(-1, ...ranks)] ?? null;
}
