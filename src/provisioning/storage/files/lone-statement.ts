import type { ModuleMigration } from '../module-migrations.js';
import { hasOption, type Refusal, titleOf } from './allowed-statements.js';
import { tableCommandsOf } from './alter-table.js';
import { type ParsedStatement, parseFile, readName, type Tree } from './parsed-file.js';

/** The statement of a file that cannot run inside a transaction. Names are those of the tenant's schema. */
export type LoneStatement =
  | { kind: 'create index'; index: string; table: string }
  | { kind: 'drop index'; index: string }
  | { kind: 'reindex'; of: 'index' | 'table'; name: string }
  | { kind: 'add value'; type: string; value: string; neighbour: string | undefined; isAfter: boolean }
  | { kind: 'detach partition'; table: string; partition: string }
  | { kind: 'vacuum' };

type Judgement = LoneStatement | { refusal: Refusal };

/** Reads the one statement of a file that runs alone. Throws when the rules refuse it. */
export async function readLoneStatement(
  migration: ModuleMigration,
): Promise<{ statement: LoneStatement; text: string }> {
  const { statements } = await parseFile(migration.sql);
  const [first] = statements;
  const judged = first && judgeLone(first);
  if (!first || !judged || 'refusal' in judged || statements.length !== 1)
    throw new Error(
      `${migration.name} is not a file that runs alone: tenant-registry module check says what is wrong`,
    );
  return { statement: judged, text: first.text };
}

const kinds: Readonly<Record<string, (tree: Tree, statement: ParsedStatement) => Judgement | undefined>> = {
  IndexStmt: (tree, statement) => {
    if (tree.concurrent !== true) return undefined;
    if (tree.if_not_exists === true) return refuseCondition(statement, 'IF NOT EXISTS');
    if (typeof tree.idxname !== 'string')
      return refuse(
        'INDEX_WITHOUT_NAME',
        'The index has no name, by which an interrupted attempt is found again.',
        'Write the name that PostgreSQL would choose: CREATE INDEX CONCURRENTLY invoice_due_on_idx ON …',
      );
    return { kind: 'create index', index: tree.idxname, table: nameOf(tree.relation) };
  },
  DropStmt: (tree, statement) => {
    if (tree.removeType !== 'OBJECT_INDEX' || tree.concurrent !== true) return undefined;
    if (tree.missing_ok === true) return refuseCondition(statement, 'IF EXISTS');
    const names = ((tree.objects ?? []) as { List?: { items?: unknown } }[]).map(
      ({ List }) => readName(List?.items)?.at(-1) ?? '',
    );
    const [index] = names;
    return names.length === 1 && index !== undefined ? { kind: 'drop index', index } : undefined;
  },
  ReindexStmt: (tree) => {
    if (!hasOption(tree.params, 'concurrently')) return undefined;
    const name = nameOf(tree.relation);
    if (tree.kind === 'REINDEX_OBJECT_INDEX') return { kind: 'reindex', of: 'index', name };
    return tree.kind === 'REINDEX_OBJECT_TABLE' ? { kind: 'reindex', of: 'table', name } : undefined;
  },
  AlterEnumStmt: (tree, statement) => {
    if (typeof tree.newVal !== 'string' || tree.oldVal !== undefined) return undefined;
    if (tree.skipIfNewValExists === true) return refuseCondition(statement, 'IF NOT EXISTS');
    const neighbour = tree.newValNeighbor;
    return {
      kind: 'add value',
      type: readName(tree.typeName)?.at(-1) ?? '',
      value: tree.newVal,
      neighbour: typeof neighbour === 'string' ? neighbour : undefined,
      isAfter: tree.newValIsAfter === true,
    };
  },
  AlterTableStmt: (tree) => {
    const [command, further] = tableCommandsOf(tree);
    if (further || !command?.isConcurrent) return undefined;
    return {
      kind: 'detach partition',
      table: nameOf(tree.relation),
      partition: nameOf(command.partition.name),
    };
  },
  // The names matter: without one, the tables of all tenants would be vacuumed.
  VacuumStmt: (tree) => (tree.rels === undefined ? undefined : { kind: 'vacuum' }),
};

/** Which statement it is, or why it may not be the one of a file that runs alone. */
export function judgeLone(statement: ParsedStatement): Judgement {
  return (
    kinds[statement.kind]?.(statement.tree, statement) ??
    refuse(
      'NOT_FOR_LONE_FILE',
      `${titleOf(statement)} does not have to run outside a transaction, or may not do so.`,
      'Remove the line "-- transaction: none". Alone can run: CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY of one index, ' +
        'REINDEX (INDEX or TABLE) CONCURRENTLY, ALTER TYPE … ADD VALUE, VACUUM and ANALYZE of named tables, DETACH PARTITION … CONCURRENTLY',
    )
  );
}

function refuseCondition(statement: ParsedStatement, condition: string): Judgement {
  return refuse(
    'CONDITION_IN_LONE_FILE',
    `${titleOf(statement)} has ${condition}, which takes what an interrupted attempt has left, such as an invalid index, for the result.`,
    `Remove ${condition}; the registry finds out itself what an interrupted attempt has done`,
  );
}

function refuse(code: string, problem: string, remedy: string): { refusal: Refusal } {
  return { refusal: { code, problem, remedy: `${remedy}.` } };
}

function nameOf(relation: unknown): string {
  return String((relation as Tree | undefined)?.relname ?? '');
}
