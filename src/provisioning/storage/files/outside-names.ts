import { type ParsedStatement, readName, type Tree, visitTree } from './parsed-file.js';

/** A name in a statement that leads out of the tenant's schema. */
export interface OutsideName {
  /** "public.invoice" */
  name: string;
  /** "schema public" */
  place: string;
}

/** Fields that hold a name whose first part, when there are two, is a schema. */
const nameFields = new Set([
  ...['names', 'funcname', 'objname', 'collname', 'opclass', 'opclassname', 'opfamilyname', 'defnames'],
  ...['domainname', 'typeName', 'name', 'useOp', 'operName', 'cfgname', 'dictname', 'seqname'],
]);

/** Fields of a statement that name what it makes or changes. Nothing of pg_catalog may be there. */
const targetFields = new Set([
  ...['relation', 'view', 'typevar', 'sequence', 'rel', 'into', 'defnames', 'domainname', 'typeName', 'func'],
  ...['object', 'objects', 'relations', 'rels', 'viewname', 'table', 'cfgname', 'dictname'],
]);

/** Statements whose field of this name is no target: the function that a trigger calls exists already. */
const makesFunction = new Set(['CreateFunctionStmt']);

const dataStatements = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** How many parts the name of an object may have when it names no schema. A trigger is named after its table. */
const partsWithoutSchema: Readonly<Record<string, number>> = {
  OBJECT_COLUMN: 2,
  OBJECT_TABCONSTRAINT: 2,
  OBJECT_TRIGGER: 2,
  OBJECT_RULE: 2,
  OBJECT_POLICY: 2,
  OBJECT_OPCLASS: 2,
  OBJECT_OPFAMILY: 2,
};

/** The names in a statement that lead out of the tenant's schema. Names of pg_catalog may be read and called. */
export function findOutsideNames({ kind, tree }: ParsedStatement): OutsideName[] {
  const found = new Map<string, OutsideName>();
  const add = (schema: string, name: string) =>
    found.set(name, { name, place: schema === '' ? 'schema pg_catalog' : `schema ${schema}` });

  const addTarget = (target: unknown) => {
    if (typeof target !== 'object' || target === null) return;
    const { schemaname, relname } = target as Tree;
    if (schemaname === 'pg_catalog') add('pg_catalog', `pg_catalog.${String(relname)}`);
    // pg_catalog is searched first, so that an unqualified name of its relations is one of PostgreSQL's.
    else if (typeof relname === 'string' && relname.startsWith('pg_')) add('', relname);
  };

  visitTree(tree, (field, node) => {
    if (typeof node.schemaname === 'string' && node.schemaname !== 'pg_catalog')
      add(node.schemaname, `${node.schemaname}.${String(node.relname ?? '')}`);
    for (const [name, value] of Object.entries(node)) {
      const parts = nameFields.has(name) ? readName(value) : undefined;
      if (parts && parts.length > (node.pct_type === true ? 2 : 1) && parts[0] !== 'pg_catalog')
        add(parts[0] ?? '', parts.join('.'));
    }
    if (dataStatements.has(field)) addTarget(node.relation);
    const literal = literalName(field, node);
    if (literal) add(literal.schema, literal.name);
  });

  for (const [field, value] of Object.entries(tree)) {
    if (!targetFields.has(field) && !(field === 'funcname' && makesFunction.has(kind))) continue;
    addTarget(value);
    visitTarget(value, addTarget, add);
  }
  for (const name of listedNames(tree))
    add(name[0]?.startsWith('pg_') ? '' : (name[0] ?? ''), name.join('.'));
  if (kind === 'AlterSeqStmt' || kind === 'CreateSeqStmt')
    for (const name of ownerColumns(tree)) if (name.length > 2) add(name[0] ?? '', name.join('.'));
  return [...found.values()];
}

/** Looks for targets in pg_catalog: relations, functions and types that the statement itself names. */
function visitTarget(
  value: unknown,
  addTarget: (target: unknown) => void,
  add: (schema: string, name: string) => void,
): void {
  const own = readName(value);
  if (own && own.length > 1 && own[0] === 'pg_catalog') add('pg_catalog', own.join('.'));
  for (const part of Array.isArray(value) ? value : [value]) {
    const node = part as Record<string, Tree | undefined> | null;
    if (typeof node !== 'object' || node === null) continue;
    addTarget(node.RangeVar ?? node.VacuumRelation?.relation);
    const name = readName(node.TypeName?.names) ?? readName((node.ObjectWithArgs ?? (node as Tree)).objname);
    if (name && name.length > 1 && name[0] === 'pg_catalog') add('pg_catalog', name.join('.'));
  }
}

/** Qualified names in COMMENT, DROP and RENAME, where the kind of the object says how many parts a name has. */
function listedNames(tree: Tree): string[][] {
  const kind = String(tree.objtype ?? tree.removeType ?? tree.renameType ?? tree.objectType ?? '');
  const most = partsWithoutSchema[kind] ?? 1;
  const objects = Array.isArray(tree.objects) ? tree.objects : [tree.object];
  return objects.flatMap((object: { List?: { items?: unknown } } | undefined) => {
    const parts = readName(object?.List?.items);
    if (!parts) return [];
    const relation = parts[0] ?? '';
    const isOutside = parts.length > most || (relation.startsWith('pg_') && isOfRelation(kind));
    return isOutside ? [parts] : [];
  });
}

function isOfRelation(kind: string): boolean {
  return kind !== 'OBJECT_OPCLASS' && kind !== 'OBJECT_OPFAMILY';
}

function ownerColumns(tree: Tree): string[][] {
  const options = (tree.options ?? []) as {
    DefElem?: { defname?: string; arg?: { List?: { items?: unknown } } };
  }[];
  return options.flatMap(({ DefElem }) => {
    const name = DefElem?.defname === 'owned_by' ? readName(DefElem.arg?.List?.items) : undefined;
    return name ? [name] : [];
  });
}

/** Functions whose first argument is the name of a sequence. */
const sequenceFunctions = new Set(['nextval', 'setval', 'currval']);

/** A name inside a string: 'public.seq'::regclass, nextval('public.seq'). */
function literalName(field: string, node: Tree): { schema: string; name: string } | undefined {
  let text: unknown;
  if (field === 'TypeCast') {
    const type = readName((node.typeName as Tree | undefined)?.names)?.at(-1) ?? '';
    if (type.startsWith('reg')) text = stringOf(node.arg);
  } else if (field === 'FuncCall') {
    const name = readName(node.funcname)?.at(-1) ?? '';
    if (sequenceFunctions.has(name)) text = stringOf((node.args as unknown[] | undefined)?.[0]);
  }
  const parts = typeof text === 'string' ? /^\s*("[^"]+"|[\w$]+)\s*\.\s*(.+)$/.exec(text) : null;
  const schema = parts?.[1]?.replaceAll('"', '');
  return schema === undefined || schema === 'pg_catalog'
    ? undefined
    : { schema, name: `${schema}.${parts?.[2]}` };
}

/** The text of a string constant. */
export function stringOf(node: unknown): string | undefined {
  return (node as { A_Const?: { sval?: { sval?: string } } } | undefined)?.A_Const?.sval?.sval;
}
