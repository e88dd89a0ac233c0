import { LRUCache } from 'lru-cache';

/** Statements that say nothing about the work: those around it are named instead. */
const frame =
  /^(?:BEGIN|COMMIT|ROLLBACK|SET|SAVEPOINT|RELEASE|SELECT set_config|SELECT pg_catalog\.set_config)\b/i;

/** Names of tenants are in the names of schemas, databases and roles: only names of tables without any are shown. */
const table =
  /\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?(?:(?:"public"|public)\.)?("?)([a-z_][a-z0-9_]{0,62})\1(?![\w".(])/i;

const verb =
  /^(?:WITH|SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|COMMENT|LOCK|CALL|DO|COPY|VACUUM|ANALYZE|REINDEX|LISTEN|UNLISTEN|NOTIFY|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|VALUES|TABLE|EXPLAIN|DECLARE|FETCH|CLOSE|REFRESH|REASSIGN)\b/i;

const summaries = new LRUCache<string, string>({ max: 1_000 });

/** The longest text that is looked at; migrations of modules may be much longer. */
const maxLength = 4_000;

/** The verb and the table of a statement, "SELECT tenants", without any of its values. */
export function summarizeStatement(text: string): string {
  const known = summaries.get(text);
  if (known !== undefined) return known;
  const summary = summarize(text.slice(0, maxLength));
  if (text.length <= maxLength) summaries.set(text, summary);
  return summary;
}

function summarize(text: string): string {
  const statements = withoutValues(text)
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const main = statements.find((one) => !frame.test(one)) ?? statements[0] ?? '';
  const kind = verb.exec(main)?.[0].toUpperCase();
  if (kind === undefined) return 'SQL';
  if (!/^(?:WITH|SELECT|INSERT|UPDATE|DELETE|MERGE)$/.test(kind)) return kind;
  const name = table.exec(main)?.[2];
  return name === undefined ? kind : `${kind} ${name}`;
}

/** Without comments, texts and bodies of functions, each of which may be cut off by the end. */
function withoutValues(text: string): string {
  return text
    .replace(
      /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|[eE]?'(?:[^'\\]|''|\\[\s\S])*(?:'|$)/g,
      ' ',
    )
    .trim();
}
