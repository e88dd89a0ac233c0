import { tableCommandsOf } from './alter-table.js';
import { stringOf } from './outside-names.js';
import { type ParsedStatement, readName, type Tree, visitTree } from './parsed-file.js';

/** Why a statement is refused. */
export interface Refusal {
  code: string;
  problem: string;
  remedy: string;
}

const dumpAdvice =
  'In place of the output of a program write the CREATE statements themselves, without schema names';

const refusals = {
  TRANSACTION_CONTROL: {
    what: 'controls the transaction, in which the file and its record stand together',
    remedy:
      'Remove it; a statement that cannot run inside a transaction goes into a file of its own whose first line is "-- transaction: none"',
  },
  SESSION_SETTING: {
    what: 'changes the session, which later files and the registry use too',
    remedy: `Remove it; a file runs with search_path set to the tenant’s schema. ${dumpAdvice}`,
  },
  OUTSIDE_SCHEMA: {
    what: 'makes or changes what is not inside the tenant’s schema',
    remedy: 'Remove it, and let an administrator run it once for the database',
  },
  OWNER_OR_ROLE: {
    what: 'changes owners, roles or their rights',
    remedy:
      'Remove it; the registry sets the owners of tenants’ objects, and "tenant-registry grants" prints the grants',
  },
  COPIED_DATA: {
    what: 'reads or writes data beside the connection',
    remedy: `Write rows as INSERT … VALUES. ${dumpAdvice}; pg_dump writes them with --inserts`,
  },
  NEEDS_OWN_FILE: {
    what: 'cannot run inside a transaction',
    remedy: 'Put it into a file of its own whose first line is "-- transaction: none"',
  },
  OTHER_SESSIONS: {
    what: 'reaches sessions of services, which the file’s transaction cannot undo everywhere',
    remedy:
      'Remove it; a trigger of the tenant’s tables may notify services when they write, and an administrator ends sessions',
  },
  TEMPORARY: {
    what: 'makes a temporary object, which would hide the tenant’s tables',
    remedy: 'Use a WITH query, or a table that the file drops at its end',
  },
  STATEMENT_NOT_ALLOWED: {
    what: 'is not among the statements that a migration may have',
    remedy: 'Remove it; docs/migrations.md lists the statements',
  },
} as const;

type RefusalCode = keyof typeof refusals;

function refuse(code: RefusalCode, statement: ParsedStatement): Refusal {
  const { what, remedy } = refusals[code];
  return { code, problem: `${titleOf(statement)} ${what}.`, remedy: `${remedy}.` };
}

/** Statements that a file may have. Those with a function are allowed when it finds no reason against them. */
const allowed: Readonly<Record<string, true | ((tree: Tree) => RefusalCode | undefined)>> = {
  CreateStmt: ({ relation }) => temporary(relation),
  CreateTableAsStmt: ({ into }) => temporary((into as Tree | undefined)?.rel),
  ViewStmt: ({ view }) => temporary(view),
  CreateSeqStmt: ({ sequence }) => temporary(sequence),
  IndexStmt: ({ concurrent }) => (concurrent === true ? 'NEEDS_OWN_FILE' : undefined),
  AlterTableStmt: checkAlterTable,
  RenameStmt: ({ renameType }) => ofSchema(renameType),
  DropStmt: ({ removeType, concurrent }) => (concurrent === true ? 'NEEDS_OWN_FILE' : ofSchema(removeType)),
  CommentStmt: ({ objtype }) => ofSchema(objtype),
  DefineStmt: ({ kind }) => ofSchema(kind),
  GrantStmt: ({ targtype, objtype }) =>
    targtype === 'ACL_TARGET_OBJECT' ? ofSchema(objtype) : 'OWNER_OR_ROLE',
  SelectStmt: ({ intoClause }) => temporary((intoClause as Tree | undefined)?.rel),
  ReindexStmt: checkReindex,
  VacuumStmt: ({ is_vacuumcmd, rels }) =>
    is_vacuumcmd === true ? 'NEEDS_OWN_FILE' : rels === undefined ? 'OUTSIDE_SCHEMA' : undefined,
  ClusterStmt: ({ relation }) => (relation === undefined ? 'OUTSIDE_SCHEMA' : undefined),
  VariableSetStmt: checkSetting,
  ...Object.fromEntries(
    [
      ...['AlterSeqStmt', 'AlterDomainStmt', 'CreateDomainStmt', 'CreateEnumStmt', 'AlterEnumStmt'],
      ...['CompositeTypeStmt', 'CreateRangeStmt', 'AlterTypeStmt', 'CreateFunctionStmt', 'AlterFunctionStmt'],
      ...['CreateTrigStmt', 'RuleStmt', 'CreateStatsStmt', 'AlterStatsStmt', 'CreatePolicyStmt'],
      ...['AlterPolicyStmt', 'AlterTSConfigurationStmt', 'AlterTSDictionaryStmt', 'AlterOperatorStmt'],
      ...['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'TruncateStmt', 'CallStmt', 'DoStmt'],
      ...['RefreshMatViewStmt', 'LockStmt', 'ConstraintsSetStmt'],
    ].map((kind) => [kind, true as const]),
  ),
};

const outside =
  /^(Create|Alter)(Schema|db|Database|Extension|Event|Fdw|Foreign|TableSpace|Publication|Subscription|PLang|Cast|Transform|Am|Conversion|OpClass|OpFamily|UserMapping|System|ObjectSchema|ObjectDepends|ExtensionContents)|^(Dropdb|DropTableSpace|DropSubscription|DropUserMapping|ImportForeignSchema|Listen|Unlisten|Load|SecLabel|AlterSystem|AlterEventTrig|AlterTableMoveAll)/;
const ofRoles = /Role|Owner|Reassign|DefaultPrivileges|DropOwned/;

/** Why a statement of a file that runs inside a transaction is refused; undefined when it is allowed. */
export function checkStatement(statement: ParsedStatement): Refusal | undefined {
  const { kind, tree } = statement;
  if (kind === 'TransactionStmt') return refuse('TRANSACTION_CONTROL', statement);
  if (kind === 'DiscardStmt') return refuse('SESSION_SETTING', statement);
  if (kind === 'CopyStmt') return refuse('COPIED_DATA', statement);
  if (kind === 'NotifyStmt') return refuse('OTHER_SESSIONS', statement);
  const rule = allowed[kind];
  if (rule === undefined) {
    const isOfRoles = ofRoles.test(kind);
    return refuse(
      isOfRoles ? 'OWNER_OR_ROLE' : outside.test(kind) ? 'OUTSIDE_SCHEMA' : 'STATEMENT_NOT_ALLOWED',
      statement,
    );
  }
  const code = (rule === true ? undefined : rule(tree)) ?? checkCalls(statement) ?? checkBlock(statement);
  return code && refuse(code, statement);
}

function temporary(relation: unknown): RefusalCode | undefined {
  return (relation as Tree | undefined)?.relpersistence === 't' ? 'TEMPORARY' : undefined;
}

/** Kinds of objects that are inside a schema, or belong to one that is. */
const schemaObjects = new Set(
  [
    ...['AGGREGATE', 'ATTRIBUTE', 'COLLATION', 'COLUMN', 'DOMAIN', 'DOMCONSTRAINT', 'FUNCTION', 'INDEX'],
    ...[
      'MATVIEW',
      'OPERATOR',
      'POLICY',
      'PROCEDURE',
      'ROUTINE',
      'RULE',
      'SEQUENCE',
      'STATISTIC_EXT',
      'TABCONSTRAINT',
    ],
    ...['TABLE', 'TRIGGER', 'TSCONFIGURATION', 'TSDICTIONARY', 'TYPE', 'VIEW'],
  ].map((kind) => `OBJECT_${kind}`),
);

function ofSchema(kind: unknown): RefusalCode | undefined {
  if (schemaObjects.has(String(kind))) return undefined;
  return kind === 'OBJECT_ROLE' ? 'OWNER_OR_ROLE' : 'OUTSIDE_SCHEMA';
}

function checkAlterTable(tree: Tree): RefusalCode | undefined {
  const commands = tableCommandsOf(tree);
  if (commands.some(({ subtype }) => subtype === 'AT_ChangeOwner')) return 'OWNER_OR_ROLE';
  return commands.some(({ isConcurrent }) => isConcurrent) ? 'NEEDS_OWN_FILE' : undefined;
}

function checkReindex({ kind, params }: Tree): RefusalCode | undefined {
  if (kind !== 'REINDEX_OBJECT_INDEX' && kind !== 'REINDEX_OBJECT_TABLE') return 'OUTSIDE_SCHEMA';
  return hasOption(params, 'concurrently') ? 'NEEDS_OWN_FILE' : undefined;
}

/** Whether a list of options has this one. One with an argument counts too: (CONCURRENTLY false) has no use. */
export function hasOption(options: unknown, name: string): boolean {
  return ((options ?? []) as { DefElem?: { defname?: string } }[]).some(
    ({ DefElem }) => DefElem?.defname === name,
  );
}

/** Settings that cost nothing but time or memory of this transaction. */
const harmlessSettings = new Set([
  'maintenance_work_mem',
  'work_mem',
  'max_parallel_maintenance_workers',
  'check_function_bodies',
]);

function checkSetting({ kind, name, is_local }: Tree): RefusalCode | undefined {
  if (kind === 'VAR_SET_VALUE' && is_local === true && harmlessSettings.has(String(name))) return undefined;
  return 'SESSION_SETTING';
}

/** Settings that decide which objects a name means, or whose rights a statement has. */
const pathSettings = new Set(['search_path', 'role', 'session_authorization', undefined]);

/** Statements whose expressions run later, in the sessions of services. */
const definitions = new Set([
  'CreateFunctionStmt',
  'ViewStmt',
  'RuleStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
]);

function checkCalls({ kind, tree }: ParsedStatement): RefusalCode | undefined {
  let found: RefusalCode | undefined;
  visitTree(tree, (field, node) => {
    if (field === 'FuncCall') {
      const name = readName(node.funcname)?.at(-1);
      const setting = stringOf((node.args as unknown[] | undefined)?.[0])?.toLowerCase();
      if (name === 'set_config' && (!definitions.has(kind) || pathSettings.has(setting)))
        found = 'SESSION_SETTING';
      if (name !== undefined && /^(lo_|pg_read_|pg_ls_|dblink)/.test(name)) found = 'OUTSIDE_SCHEMA';
      if (name !== undefined && reaching.has(name) && !definitions.has(kind)) found = 'OTHER_SESSIONS';
    }
    // CREATE FUNCTION … SET search_path = …: another schema's name is refused, as everywhere.
    if (field === 'VariableSetStmt' && node !== tree && isForeignPath(node)) found = 'OUTSIDE_SCHEMA';
  });
  return found;
}

/** Functions of PostgreSQL that do something to other sessions, of which the catalogs show nothing. */
const reaching = new Set([
  'pg_notify',
  'pg_cancel_backend',
  'pg_terminate_backend',
  'pg_logical_emit_message',
  'pg_reload_conf',
]);

/** NOTIFY where a statement of PL/pgSQL or of a text for EXECUTE begins, and the names of functions wherever they stand. */
const reachingText = new RegExp(
  String.raw`(^|[;'$]|\b(begin|then|else|loop))\s*notify\s|\b(${[...reaching].join('|')})\b`,
  'i',
);

/** The text of a DO block is in a language that the parser does not read. */
function checkBlock({ kind, tree }: ParsedStatement): RefusalCode | undefined {
  if (kind !== 'DoStmt') return undefined;
  const args = (tree.args ?? []) as { DefElem?: { arg?: { String?: { sval?: string } } } }[];
  const texts = args.map(({ DefElem }) => DefElem?.arg?.String?.sval ?? '');
  return texts.some((text) => reachingText.test(withoutComments(text))) ? 'OTHER_SESSIONS' : undefined;
}

function withoutComments(text: string): string {
  return text.replaceAll(/--.*$|\/\*[\s\S]*?\*\//gm, ' ');
}

function isForeignPath({ kind, name, args }: Tree): boolean {
  if (kind === 'VAR_SET_CURRENT' || (name !== 'search_path' && name !== 'role')) return false;
  const paths = ((args ?? []) as unknown[]).map(stringOf);
  return (
    name === 'role' ||
    paths.some((path) => path === undefined || !['', 'pg_catalog', 'pg_temp'].includes(path))
  );
}

/** The first words of a statement, in capitals: "CREATE EXTENSION". */
export function titleOf({ text }: ParsedStatement): string {
  const words = withoutComments(text).match(/[\w.]+/g) ?? [];
  const isLong = /^(create|alter|drop|set|reset|comment|lock|refresh|detach|explain)$/i.test(words[0] ?? '');
  return words
    .slice(0, isLong ? 2 : 1)
    .join(' ')
    .toUpperCase();
}
