import type { ModuleMigration } from '../module-migrations.js';
import { type ParsedStatement, parseFile, readName, type Tree, visitTree } from './parsed-file.js';

/** Statements that do what their text says and run no function, when their expressions call only functions of PostgreSQL. */
const plain = new Set([
  ...['CreateStmt', 'IndexStmt', 'AlterTableStmt', 'CreateSeqStmt', 'AlterSeqStmt', 'CreateDomainStmt'],
  ...[
    'CreateEnumStmt',
    'AlterEnumStmt',
    'CompositeTypeStmt',
    'CreateStatsStmt',
    'LockStmt',
    'VariableSetStmt',
  ],
]);

/** Statements whose expressions run later. */
const definitions = new Set([
  'ViewStmt',
  'CreateTrigStmt',
  'RuleStmt',
  'CreatePolicyStmt',
  'AlterPolicyStmt',
]);

/** Kinds of relations and of what belongs to one. Other names may be of pg_catalog, which is searched first. */
const ofRelations = new Set([
  ...[
    'OBJECT_TABLE',
    'OBJECT_VIEW',
    'OBJECT_INDEX',
    'OBJECT_SEQUENCE',
    'OBJECT_COLUMN',
    'OBJECT_TABCONSTRAINT',
  ],
  ...['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE', 'OBJECT_MATVIEW'],
]);

/** Functions of PostgreSQL that expressions of tables and indexes use most. */
const known = new Set([
  ...[
    'now',
    'lower',
    'upper',
    'btrim',
    'ltrim',
    'rtrim',
    'length',
    'char_length',
    'octet_length',
    'left',
    'right',
  ],
  ...['gen_random_uuid', 'nextval', 'jsonb_typeof', 'round', 'floor', 'ceil', 'abs', 'date_trunc', 'extract'],
  ...['timezone', 'clock_timestamp', 'statement_timestamp', 'replace', 'to_tsvector', 'md5', 'num_nonnulls'],
  ...['num_nulls', 'lpad', 'rpad', 'substring', 'position', 'regexp_replace', 'array_length', 'cardinality'],
  ...[
    'jsonb_build_object',
    'to_jsonb',
    'isfinite',
    'isempty',
    'numrange',
    'daterange',
    'tstzrange',
    'concat_ws',
  ],
]);

/** Whether the text of a file alone shows that it changes nothing outside the tenant's schema, provided that the rules allow it. */
export async function isVouchedFor({ sql }: Pick<ModuleMigration, 'sql'>): Promise<boolean> {
  const { statements, fault } = await parseFile(sql);
  if (fault) return false;
  const made = new Set(statements.flatMap(({ tree }) => [...madeNames(tree)]));
  return statements.every((statement) => isPlain(statement, made));
}

function isPlain({ kind, tree }: ParsedStatement, made: ReadonlySet<string>): boolean {
  if (cascades(tree)) return false;
  if (definitions.has(kind)) return true;
  if (plain.has(kind)) return callsOnlyKnown(tree);
  if (kind === 'CreateFunctionStmt') return true;
  if (kind !== 'CommentStmt' && kind !== 'DropStmt' && kind !== 'RenameStmt' && kind !== 'GrantStmt')
    return false;
  const type = String(tree.objtype ?? tree.removeType ?? tree.renameType);
  if (ofRelations.has(type)) return true;
  const names = namedObjects(tree);
  return names.length > 0 && names.every((name) => made.has(name));
}

/** CASCADE drops what depends on an object, wherever that is. */
function cascades(tree: Tree): boolean {
  let isFound = false;
  visitTree(tree, (_field, node) => {
    isFound ||= node.behavior === 'DROP_CASCADE';
  });
  return isFound;
}

function callsOnlyKnown(tree: Tree): boolean {
  let isKnown = true;
  visitTree(tree, (field, node) => {
    if (field === 'FuncCall' && !known.has(readName(node.funcname)?.at(-1) ?? '')) isKnown = false;
  });
  return isKnown;
}

/** Names of functions and types that a statement makes. */
function madeNames(tree: Tree): string[] {
  const names = ['funcname', 'typeName', 'domainname', 'defnames'].flatMap(
    (field) => readName(tree[field]) ?? [],
  );
  const composite = (tree.typevar as Tree | undefined)?.relname;
  return typeof composite === 'string' ? [...names, composite] : names;
}

/** Names of the functions and types that COMMENT, DROP, RENAME and GRANT name. */
function namedObjects(tree: Tree): string[] {
  const objects = Array.isArray(tree.objects) ? tree.objects : [tree.object];
  return objects.flatMap((object: { ObjectWithArgs?: Tree; TypeName?: Tree } | undefined) => {
    const name = readName(object?.ObjectWithArgs?.objname ?? object?.TypeName?.names);
    return name ? [name.at(-1) ?? ''] : [];
  });
}
