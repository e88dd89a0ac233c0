import { escapeLiteral } from 'pg';
import { identifier } from '../../../database/identifier.js';
import type { ModuleMigration } from '../module-migrations.js';
import { type LoneStatement, readLoneStatement } from './lone-statement.js';
import { type ParsedStatement, parseFile, readName, withoutKeyword } from './parsed-file.js';

/**
 * The text of each file for new storage, whose tables are empty, so that all files run in one transaction. A file that runs alone
 * elsewhere becomes the statement without CONCURRENTLY, or nothing where it only rearranges data.
 */
export async function textsForNewStorage(migrations: readonly ModuleMigration[]): Promise<string[]> {
  const texts: string[] = [];
  for (const migration of migrations) {
    if (!migration.runsAlone) {
      texts.push(migration.sql);
      continue;
    }
    const { statement, text } = await readLoneStatement(migration);
    if (statement.kind === 'add value' && (await foldIntoType(texts, statement))) texts.push('');
    else texts.push(await withoutSession(statement, text));
  }
  return texts;
}

async function withoutSession({ kind }: LoneStatement, text: string): Promise<string> {
  if (kind === 'vacuum' || kind === 'reindex') return '';
  return kind === 'add value' ? text : withoutKeyword(text, 'concurrently');
}

type AddedValue = Extract<LoneStatement, { kind: 'add value' }>;

/**
 * Puts a new value into the CREATE TYPE of an earlier file. PostgreSQL 15 and 16 refuse the use of a value that ALTER TYPE has added in
 * the same transaction, also when the type itself is of this transaction. Returns false when no earlier file creates the type.
 */
async function foldIntoType(texts: string[], added: AddedValue): Promise<boolean> {
  for (let at = texts.length - 1; at >= 0; at--) {
    const text = texts[at] ?? '';
    const { statements } = await parseFile(text);
    const created = statements.findLast(
      ({ kind, tree }) => kind === 'CreateEnumStmt' && readName(tree.typeName)?.at(-1) === added.type,
    );
    if (!created) continue;
    const values = insertValue(readName(created.tree.vals) ?? [], added);
    if (values) texts[at] = replaceStatement(text, created, enumSql(added.type, values));
    return values !== undefined;
  }
  return false;
}

function insertValue(
  values: readonly string[],
  { value, neighbour, isAfter }: AddedValue,
): string[] | undefined {
  if (values.includes(value)) return undefined;
  if (neighbour === undefined) return [...values, value];
  const place = values.indexOf(neighbour);
  // It was added or renamed in a way that the files do not show.
  return place < 0 ? undefined : values.toSpliced(isAfter ? place + 1 : place, 0, value);
}

function enumSql(type: string, values: readonly string[]): string {
  return `CREATE TYPE ${identifier(type)} AS ENUM (${values.map(escapeLiteral).join(', ')})`;
}

function replaceStatement(sql: string, { start, text }: ParsedStatement, by: string): string {
  return sql.slice(0, start) + by + sql.slice(start + text.length);
}
