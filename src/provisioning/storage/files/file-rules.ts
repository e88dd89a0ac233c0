import { type ModuleMigration, queryFileOf, queryKinds } from '../module-migrations.js';
import { checkStatement, type Refusal } from './allowed-statements.js';
import { judgeLone } from './lone-statement.js';
import { findOutsideNames } from './outside-names.js';
import {
  type ParsedFile,
  type ParsedStatement,
  parseFile,
  readName,
  type SyntaxFault,
  visitTree,
} from './parsed-file.js';

/** Something in a module's files that the registry refuses to run. */
export interface FileProblem {
  /** "finance/0003_dump.sql" */
  file: string;
  /** From 1; null when the problem is not in one line. */
  line: number | null;
  /** TRANSACTION_CONTROL */
  code: string;
  problem: string;
  remedy: string;
}

/** Finds everything in a file and its queries that the rules refuse. */
export async function findFileProblems(migration: ModuleMigration): Promise<FileProblem[]> {
  const ofQueries = await Promise.all(
    queryKinds.map((kind) => {
      const sql = migration[kind];
      return sql === undefined ? [] : findQueryProblems(queryFileOf(migration.name, kind), sql);
    }),
  );
  return [...(await findStatementProblems(migration)), ...ofQueries.flat()];
}

/** The problems of files that were judged, by the parsed file: each new tenant asks for the same files. */
const judged = new WeakMap<ParsedFile, FileProblem[]>();

async function findStatementProblems(migration: ModuleMigration): Promise<FileProblem[]> {
  const file = await parseFile(migration.sql);
  const known = judged.get(file) ?? (await judgeFile(migration, file));
  judged.set(file, known);
  return known.map((problem) => ({ ...problem, file: migration.name }));
}

async function judgeFile(
  { name, sql, runsAlone }: ModuleMigration,
  { statements, fault }: ParsedFile,
): Promise<FileProblem[]> {
  if (fault) return [await describeFault(name, sql, fault)];
  // A file that runs alone has one statement; further ones are a problem of their own.
  const found = (runsAlone ? statements.slice(0, 1) : statements).flatMap((statement) => {
    const judged = runsAlone ? judgeLone(statement) : undefined;
    const refusal =
      judged && 'refusal' in judged ? judged.refusal : runsAlone ? undefined : checkStatement(statement);
    return [...(refusal ? [refusal] : []), ...refuseOutsideNames(statement)].map(at(name, statement.line));
  });
  if (!runsAlone) return found;
  const further = statements[1];
  if (further || statements.length === 0)
    found.unshift({
      file: name,
      line: further?.line ?? 1,
      code: 'LONE_FILE_NOT_ONE_STATEMENT',
      problem: `A file whose first line is "-- transaction: none" has one statement, and this one has ${statements.length || 'none'}.`,
      remedy:
        'Write one file for each statement: after an interruption the registry continues with the first file that is not done.',
    });
  return found;
}

function at(file: string, line: number): (refusal: Refusal) => FileProblem {
  return (refusal) => ({ file, line, ...refusal });
}

function refuseOutsideNames(statement: ParsedStatement): Refusal[] {
  return findOutsideNames(statement).map(({ name, place }) => ({
    code: 'OTHER_SCHEMA',
    problem: `${name} names ${place}; a file works in the tenant’s schema alone, whose name it cannot know.`,
    remedy:
      'Write the name without a schema; only types, functions and operators of pg_catalog may have one, and nothing there may be changed.',
  }));
}

/** Syntax errors of which the cause is known. The first that fits is taken. */
async function describeFault(
  file: string,
  sql: string,
  { line, message, rest }: SyntaxFault,
): Promise<FileProblem> {
  const isDump = /^-- PostgreSQL database (cluster )?dump/m.test(sql);
  const command = /^\\[a-z!?]*/i.exec(rest)?.[0];
  if (command !== undefined)
    return {
      ...{ file, line, code: 'PSQL_COMMAND' },
      problem: `${command} is a command of psql, not SQL${isDump ? ', and the file is an output of pg_dump' : ', as in the output of pg_dump'}.`,
      remedy: 'Write the CREATE statements themselves, without psql commands, settings and schema names.',
    };
  if (await endsWithCopy(sql.slice(0, sql.length - rest.length)))
    return {
      ...{ file, line, code: 'COPIED_DATA' },
      problem:
        'The data of COPY … FROM stdin is for psql, as in the output of pg_dump; a migration consists of statements alone.',
      remedy: 'Write the rows as INSERT … VALUES; pg_dump writes them with --inserts.',
    };
  if (rest.startsWith('\uFEFF'))
    return {
      ...{ file, line, code: 'SYNTAX' },
      problem: 'A byte order mark stands in the middle of the file, as where files were joined.',
      remedy: 'Remove the character U+FEFF from this line.',
    };
  return {
    ...{ file, line, code: 'SYNTAX' },
    problem: `PostgreSQL does not understand the file: ${message}.`,
    remedy: 'Correct the statement; the parser is that of PostgreSQL 18.',
  };
}

async function endsWithCopy(before: string): Promise<boolean> {
  const { statements } = await parseFile(before.slice(0, before.lastIndexOf(';') + 1));
  const last = statements.at(-1);
  return last?.kind === 'CopyStmt' && last.tree.filename === undefined;
}

/** A check or verify file is one query, which reads and changes nothing. */
async function findQueryProblems(file: string, sql: string): Promise<FileProblem[]> {
  const { statements, fault } = await parseFile(sql);
  if (fault) return [await describeFault(file, sql, fault)];
  const [query, further] = statements;
  if (!query || further || query.kind !== 'SelectStmt' || changes(query))
    return [
      {
        ...{ file, line: further?.line ?? query?.line ?? 1, code: 'CHECK_NOT_A_QUERY' },
        problem:
          'A check or verify file is one query that changes nothing; each row that it returns is a violation.',
        remedy: 'Write one SELECT, without INTO, FOR UPDATE, and INSERT, UPDATE or DELETE in WITH.',
      },
    ];
  const refusal = checkStatement(query);
  return [...(refusal ? [refusal] : []), ...refuseOutsideNames(query)].map(at(file, query.line));
}

function changes({ tree }: ParsedStatement): boolean {
  let found = false;
  visitTree(tree, (field, node) => {
    if (/^(Insert|Update|Delete|Merge)Stmt$/.test(field) || node.intoClause || node.lockingClause)
      found = true;
    if (field === 'FuncCall' && ['nextval', 'setval'].includes(readName(node.funcname)?.at(-1) ?? ''))
      found = true;
  });
  return found;
}
