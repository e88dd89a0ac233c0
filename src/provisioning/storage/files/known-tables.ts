import { type ParsedStatement, readName, type Tree, visitTree } from './parsed-file.js';
import type { TableLock } from './statement-locks.js';

/** Facts about the tables of a schema that follow from the statements before one. */
export interface KnownTables {
  /** Tables, views and types that the pending files create: they hold no data, and no service uses them yet. */
  created: Set<string>;
  /** Tables whose CHECK constraints say that a column is not null, as "table.column". */
  notNull: Set<string>;
  /** CHECK constraints about null that are not validated yet: "table.constraint" → "table.column". */
  unvalidated: Map<string, string>;
  /** Constraints that this file has added without a look at the rows, as "table.constraint". */
  addedHere: Set<string>;
}

export function createKnownTables(): KnownTables {
  return { created: new Set(), notNull: new Set(), unvalidated: new Map(), addedHere: new Set() };
}

/** Names of the relations that a statement changes. */
export function targetsOf({ kind, tree }: ParsedStatement): string[] {
  if (kind === 'DropStmt' || kind === 'CommentStmt') return listedRelations(tree);
  const direct = ['relation', 'view', 'rel', 'sequence', 'table'].map((field) => nameOf(tree[field]));
  const lists = ['relations', 'rels'].flatMap((field) =>
    ((tree[field] ?? []) as { RangeVar?: Tree; VacuumRelation?: { relation?: Tree } }[]).map((part) =>
      nameOf(part.RangeVar ?? part.VacuumRelation?.relation),
    ),
  );
  return [...direct, ...lists].filter((name) => name !== undefined);
}

/** Names in DROP and COMMENT; the name of a column or trigger begins with that of its table. */
function listedRelations(tree: Tree): string[] {
  const objects = Array.isArray(tree.objects) ? tree.objects : [tree.object];
  return objects.flatMap(
    (object: { List?: { items?: unknown }; TypeName?: Tree; ObjectWithArgs?: Tree } | undefined) => {
      const name = readName(
        object?.List?.items ?? object?.TypeName?.names ?? object?.ObjectWithArgs?.objname,
      );
      return name?.[0] === undefined ? [] : [name[0]];
    },
  );
}

/** Names of existing tables that a new foreign key, or a partition, refers to. */
export function referredTables(tree: Tree): string[] {
  const found: string[] = [];
  visitTree(tree, (field, node) => {
    if (field === 'pktable') found.push(String(node.relname));
  });
  for (const part of (tree.inhRelations ?? []) as { RangeVar?: Tree }[])
    found.push(nameOf(part.RangeVar) ?? '');
  return found;
}

export function nameOf(relation: unknown): string | undefined {
  const name = (relation as Tree | undefined)?.relname;
  return typeof name === 'string' ? name : undefined;
}

/** Statements that make a relation, a type or a function, with the field that names it. */
const makers: Readonly<Record<string, string>> = {
  CreateStmt: 'relation',
  CreateTableAsStmt: 'into',
  ViewStmt: 'view',
  CompositeTypeStmt: 'typevar',
  CreateSeqStmt: 'sequence',
  CreateEnumStmt: 'typeName',
  CreateRangeStmt: 'typeName',
  CreateDomainStmt: 'domainname',
  CreateFunctionStmt: 'funcname',
};

/** Remembers what a statement of a pending file makes. */
export function learn({ created }: KnownTables, { kind, tree }: ParsedStatement): void {
  const made = tree[makers[kind] ?? ''];
  const name = nameOf(made) ?? nameOf((made as Tree | undefined)?.rel) ?? readName(made)?.at(-1);
  // A function or view that is replaced may be in use.
  if (name !== undefined && tree.replace !== true) created.add(name);
  // Building the index of a new table keeps no service waiting either.
  if (kind === 'IndexStmt' && created.has(nameOf(tree.relation) ?? '')) created.add(String(tree.idxname));
}

/** The column of CHECK (column IS NOT NULL). */
export function checkedColumn(constraint: Tree | undefined): string | undefined {
  const test = (constraint?.raw_expr as { NullTest?: Tree } | undefined)?.NullTest;
  if (constraint?.contype !== 'CONSTR_CHECK' || test?.nulltesttype !== 'IS_NOT_NULL') return undefined;
  return readName((test.arg as { ColumnRef?: Tree } | undefined)?.ColumnRef?.fields)?.at(-1);
}

/** Whether a lock matters to services: weaker ones only keep other migrations away. */
export function blocksServices(lock: TableLock | null): boolean {
  return lock !== null && ['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'].includes(lock);
}
