/** A node of PostgreSQL's parse tree. Fields that have their default value are absent. */
export type Tree = Readonly<Record<string, unknown>>;

/** One statement of a file. */
export interface ParsedStatement {
  /** The kind in PostgreSQL's grammar, such as CreateStmt. */
  kind: string;
  tree: Tree;
  /** Line of the file in which the statement begins, from 1. */
  line: number;
  /** Where the text begins in the file. */
  start: number;
  /** Without the comments before it, and without the semicolon. */
  text: string;
}

export interface SyntaxFault {
  /** From 1. */
  line: number;
  /** The server's message. */
  message: string;
  /** The rest of the text from the fault on. */
  rest: string;
}

export interface ParsedFile {
  /** Those before the fault are missing too. */
  statements: readonly ParsedStatement[];
  fault: SyntaxFault | undefined;
}

type Parser = typeof import('libpg-query');

/** Loaded with the first file, because it takes as long as the start of a command. */
let loaded: Promise<Parser> | undefined;

async function loadParser(): Promise<Parser> {
  loaded ??= import('libpg-query').then(async (parser) => {
    await parser.loadModule();
    return parser;
  });
  return loaded;
}

/** Files that were parsed, by their text: each tenant runs the same ones. */
const parsed = new Map<string, ParsedFile>();
const keptFiles = 500;

/** Parses SQL with PostgreSQL's own parser. A file with a fault has no statements. */
export async function parseFile(sql: string): Promise<ParsedFile> {
  const known = parsed.get(sql);
  if (known) return known;
  const file = parseText(await loadParser(), sql);
  if (parsed.size >= keptFiles) parsed.delete(parsed.keys().next().value ?? '');
  parsed.set(sql, file);
  return file;
}

function parseText(parser: Parser, sql: string): ParsedFile {
  if (sql.trim() === '') return { statements: [], fault: undefined };
  try {
    const bytes = Buffer.from(sql);
    // How far the text was read: a file of rows has thousands of statements, so each character is counted once.
    let [read, line, length] = [0, 1, 0];
    const statements = (parser.parseSync(sql).stmts ?? []).flatMap(({ stmt, stmt_location, stmt_len }) => {
      const [entry] = Object.entries(stmt ?? {});
      if (!entry) return [];
      const from = stmt_location ?? 0;
      const whole = bytes.subarray(from, stmt_len ? from + stmt_len : undefined).toString();
      const skipped = whole.slice(0, lengthBeforeCode(whole));
      const before = bytes.subarray(read, from).toString() + skipped;
      line += countLines(before);
      length += before.length;
      read = from + Buffer.byteLength(skipped);
      const text = whole.slice(skipped.length).trim();
      return [{ kind: entry[0], tree: entry[1] as Tree, line, start: length, text }];
    });
    return { statements, fault: undefined };
  } catch (error) {
    return { statements: [], fault: faultOf(parser, sql, error) };
  }
}

function faultOf(parser: Parser, sql: string, error: unknown): SyntaxFault {
  // The parser's own stack, or that of the tree that it returns.
  if (error instanceof RangeError)
    return { line: 1, message: 'its expressions are nested too deeply', rest: sql };
  if (!parser.hasSqlDetails(error)) throw error;
  // The position counts characters, a string's length UTF-16 units.
  const before = [...sql].slice(0, error.sqlDetails?.cursorPosition ?? 0).join('');
  return { line: countLines(before) + 1, message: error.message, rest: sql.slice(before.length) };
}

/** The length of the white space and the comments at the beginning of a text. Comments of the form of C can be nested. */
function lengthBeforeCode(text: string): number {
  let at = 0;
  for (;;) {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
    if (text.startsWith('--', at)) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (text.startsWith('/*', at)) at = endOfComment(text, at);
    else return at;
  }
}

function endOfComment(text: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

/**
 * Calls the visitor with every object of a tree, in the order of the text, with the name of the field or node that holds it. Does not recurse: a row
 * of thousands of texts that are joined by || is as deep as it is long.
 */
export function visitTree(root: unknown, visit: (name: string, tree: Tree) => void): void {
  const waiting: { name: string; tree: unknown }[] = [{ name: '', tree: root }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, tree } = next;
    if (typeof tree !== 'object' || tree === null) continue;
    if (!Array.isArray(tree)) visit(name, tree as Tree);
    const parts = Array.isArray(tree)
      ? tree.map((part) => ({ name, tree: part }))
      : Object.entries(tree).map(([field, part]) => ({ name: field, tree: part }));
    for (const part of parts.reverse()) waiting.push(part);
  }
}

/** The parts of a qualified name, such as [{ String: { sval: 'pg_catalog' } }, …]; undefined for other lists. */
export function readName(list: unknown): string[] | undefined {
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const parts = list.map((part: { String?: { sval?: string } }) => part.String?.sval);
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

/** The statement without an unquoted keyword, such as CONCURRENTLY. */
export async function withoutKeyword(sql: string, keyword: string): Promise<string> {
  const { scanSync } = await loadParser();
  const bytes = Buffer.from(sql);
  const found = scanSync(sql).tokens.find(
    ({ text, keywordKind }) => keywordKind > 0 && text.toLowerCase() === keyword,
  );
  if (!found) return sql;
  return `${bytes.subarray(0, found.start)}${bytes.subarray(found.end)}`;
}
