import type { Mutation } from './mutation.js';
import { readTokens, type Token } from './sql-tokens.js';

type Found = Omit<Mutation, 'site'>;

/** Where a token stands: what is around it, and the text that a replacement is made of. */
interface Place {
  token: Token;
  tokens: readonly Token[];
  at: number;
  slice: (from: Token, to: Token) => string;
  /** The first words of the statement, at the top or in a body. */
  statement: string;
}

export function isSql(text: string): boolean {
  return /^\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|GRANT|REVOKE|LOCK|DO|TRUNCATE)\s/.test(
    text,
  );
}

/** Mutations of SQL, PL/pgSQL bodies included; comments, strings, COMMENT ON and indexes that only make it fast are left alone. */
export function mutateSql(source: string, original = source): Mutation[] {
  const tokens = readTokens(source);
  const slice = (from: Token, to: Token) => original.slice(from.start, to.end);
  let statementAt = 0;
  return tokens.flatMap((token, at) => {
    if (startsStatement(tokens[at - 1])) statementAt = at;
    const statement = wordsFrom(tokens, statementAt);
    if (/^(COMMENT ON|CREATE INDEX)/.test(statement)) return [];
    const place = { token, tokens, at, slice, statement };
    return operators.flatMap((operator) => operator(place)).map((found) => ({ site: token.start, ...found }));
  });
}

const beforeStatements = new Set([';', 'BEGIN', 'THEN', 'ELSE', 'LOOP', 'DECLARE']);

function startsStatement(previous: Token | undefined): boolean {
  return previous === undefined || previous.kind === 'delimiter' || beforeStatements.has(previous.text);
}

function wordsFrom(tokens: readonly Token[], at: number): string {
  return tokens
    .slice(at, at + 6)
    .map(({ text }) => text)
    .join(' ');
}

function replace(operator: string, from: Token, to: Token, replacement: string): Found {
  return { operator, start: from.start, end: to.end, replacement };
}

/** Index of the first token from `at` on that satisfies the condition at the same depth, or closes the parentheses. */
function findEnd(tokens: readonly Token[], at: number, isEnd: (token: Token) => boolean): number {
  const depth = tokens[at]?.depth ?? 0;
  const length = tokens
    .slice(at)
    .findIndex((token) => token.depth < depth || (token.depth === depth && isEnd(token)));
  return length < 0 ? tokens.length : at + length;
}

const afterCondition = new Set(
  'THEN LOOP GROUP ORDER LIMIT RETURNING UNION HAVING WINDOW ON DO FOR EXECUTE ; FETCH OFFSET'.split(' '),
);

/** WHERE, IF, ELSIF, HAVING, WHEN and CHECK: the condition is negated, or a CHECK is always true. */
function conditions({ token, tokens, at, slice, statement }: Place): Found[] {
  if (token.kind !== 'word' || !/^(WHERE|IF|ELSIF|HAVING|WHEN|CHECK)$/.test(token.text)) return [];
  const from = tokens[at + 1];
  if (!from || (token.text === 'IF' && /^(NOT|EXISTS)$/.test(from.text) && !token.inBody)) return [];
  // DROP … IF EXISTS, CREATE … IF NOT EXISTS in a body, and END IF.
  if (token.text === 'IF' && (tokens[at - 1]?.text === 'END' || /^(CREATE|DROP|ALTER) /.test(statement)))
    return [];
  const isEnd = ({ text, kind }: Token) =>
    (kind !== 'string' && afterCondition.has(text)) || kind === 'delimiter';
  const isWrapped = token.text === 'CHECK';
  const end = isWrapped ? findClosing(tokens, at + 1) : findEnd(tokens, at + 1, isEnd) - 1;
  const to = tokens[end];
  if (!to || end <= at || (token.text === 'WHEN' && !holdsComparison(tokens.slice(at + 1, end + 1))))
    return [];
  if (isWrapped) return [replace('no-check', from, to, '(true)')];
  const condition = slice(from, to);
  const never = token.text === 'IF' ? [replace('never', from, to, `(false AND (${condition}))`)] : [];
  const always = token.text === 'WHERE' ? [replace('no-where', from, to, 'true')] : [];
  return [replace('negate', from, to, `(NOT (${condition}))`), ...never, ...always];
}

function holdsComparison(tokens: readonly Token[]): boolean {
  return tokens.some(({ text }) => /^(=|<>|!=|<|>|<=|>=|IS|IN|EXISTS|LIKE|NOT|BETWEEN|~)$/.test(text));
}

function findClosing(tokens: readonly Token[], at: number): number {
  const depth = tokens[at]?.depth;
  return tokens.findIndex((token, index) => index > at && token.text === ')' && token.depth === depth);
}

const swapped: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '<>': '=', '!=': '=' };

function comparisons({ token, tokens, at }: Place): Found[] {
  const other = token.kind === 'symbol' ? swapped[token.text] : undefined;
  if (other) return [replace('comparison', token, token, other)];
  const next = tokens[at + 1];
  if (token.text === 'IS' && next?.text === 'NULL') return [replace('null', token, next, 'IS NOT NULL')];
  const last = tokens[at + 2];
  if (token.text === 'IS' && next?.text === 'NOT' && last?.text === 'NULL')
    return [replace('null', token, last, 'IS NULL')];
  return [];
}

function logic({ token, tokens, at, statement }: Place): Found[] {
  if (token.text !== 'AND' && token.text !== 'OR') return [];
  if (token.text === 'OR' && /^CREATE (OR|TRIGGER|CONSTRAINT)/.test(statement)) return [];
  const isOfBetween = tokens.slice(Math.max(0, at - 4), at).some(({ text }) => text === 'BETWEEN');
  if (token.text === 'AND' && isOfBetween) return [];
  return [replace('logic', token, token, token.text === 'AND' ? 'OR' : 'AND')];
}

function signs({ token, tokens, at }: Place): Found[] {
  if (token.kind !== 'symbol' || !/^[-+*/]$/.test(token.text)) return [];
  const previous = tokens[at - 1];
  const isOperand =
    previous?.kind === 'number' || previous?.text === ')' || /^[A-Z_"]/.test(previous?.text ?? '');
  if (token.text === '-' && !(isOperand && !/^(SELECT|THEN|ELSE|RETURN|AND|OR)$/.test(previous?.text ?? '')))
    return [replace('sign', token, token, '')];
  const next = tokens[at + 1];
  if (
    token.text === '*' &&
    (!isOperand ||
      !next ||
      /^(FROM|INTO|\)|,|;)$/.test(next.text) ||
      /^(SELECT|RETURNING)$/.test(previous?.text ?? ''))
  )
    return [];
  const other = { '-': '+', '+': '-', '*': '/', '/': '*' }[token.text];
  return other ? [replace('arithmetic', token, token, other)] : [];
}

function isOfForeignKey(tokens: readonly Token[], at: number): boolean {
  const depth = tokens[at]?.depth;
  const before = tokens.slice(0, at).filter((token) => token.depth === depth);
  return (
    before.findLastIndex(({ text }) => text === 'FOREIGN') >
    before.findLastIndex(({ text }) => /^[,;]$/.test(text))
  );
}

/** UNIQUE, PRIMARY KEY, foreign keys, EXCLUDE, NOT NULL, DEFAULT, ON DELETE. */
function constraints({ token, tokens, at, statement }: Place): Found[] {
  const next = tokens[at + 1];
  const isOfTable = /^(CREATE|ALTER) TABLE/.test(statement);
  if (token.text === 'UNIQUE' && next?.text === 'INDEX') return [replace('not-unique', token, token, '')];
  if (token.text === 'ON' && next?.text === 'DELETE') return mutateAction(tokens, at);
  if (!isOfTable || token.inBody) return [];
  if (token.text === 'NOT' && next?.text === 'NULL' && tokens[at - 1]?.text !== 'IS')
    return [replace('not-null', token, next, '')];
  if (token.text === 'UNIQUE') {
    const isOfColumn = next?.text !== '(';
    const to = tokens[isOfColumn ? at : findClosing(tokens, at + 1)];
    return to ? [replace('not-unique', token, to, isOfColumn ? '' : 'CHECK (true)')] : [];
  }
  if (token.text === 'REFERENCES' && !isOfForeignKey(tokens, at)) {
    const to =
      tokens[
        findEnd(tokens, at, ({ text }) => /^[,;]$/.test(text) || text === 'CHECK' || text === 'NOT') - 1
      ];
    return to ? [replace('no-reference', token, to, '')] : [];
  }
  if (token.text !== 'FOREIGN' && token.text !== 'EXCLUDE') return [];
  const to = tokens[findEnd(tokens, at, ({ text }) => /^[,;]$/.test(text)) - 1];
  return to
    ? [replace(token.text === 'FOREIGN' ? 'no-reference' : 'no-exclusion', token, to, 'CHECK (true)')]
    : [];
}

function mutateAction(tokens: readonly Token[], at: number): Found[] {
  const [first, second] = [tokens[at + 2], tokens[at + 3]];
  if (!first) return [];
  if (first.text === 'CASCADE') return [replace('on-delete', first, first, 'RESTRICT')];
  if (first.text === 'RESTRICT') return [replace('on-delete', first, first, 'CASCADE')];
  return /^(SET|NO)$/.test(first.text) && second ? [replace('on-delete', first, second, 'CASCADE')] : [];
}

function increase(number: string): string {
  return number === '1' ? '0' : String(Number(number) + 1);
}

/** Values: numbers that are no length or scale of a type, intervals, and elements of IN lists. */
function values({ token, tokens, at }: Place): Found[] {
  const isLength = /^(VARCHAR|CHAR|NUMERIC|DECIMAL|TIMESTAMPTZ|BIT)$/.test(tokens[at - 2]?.text ?? '');
  const isScale = tokens[at - 1]?.text === ',' && /^(NUMERIC|DECIMAL)$/.test(tokens[at - 4]?.text ?? '');
  if (token.kind === 'number' && !isLength && !isScale)
    return [replace('constant', token, token, increase(token.text))];
  if (token.kind === 'string' && tokens[at - 1]?.text === 'INTERVAL')
    return [replace('constant', token, token, token.text.replace(/\d+/, increase))];
  if (token.text === 'TRUE' || token.text === 'FALSE')
    return [replace('constant', token, token, token.text === 'TRUE' ? 'false' : 'true')];
  return token.text === 'IN' && tokens[at + 1]?.text === '(' ? dropFromList(tokens, at + 1) : [];
}

function dropFromList(tokens: readonly Token[], open: number): Found[] {
  const close = findClosing(tokens, open);
  const items = tokens.slice(open + 1, close);
  if (items.some(({ kind, text }) => kind !== 'string' && text !== ',') || items.length < 3) return [];
  return items.flatMap((item, index) => {
    if (item.kind !== 'string') return [];
    const comma = items[index === 0 ? 1 : index - 1];
    if (!comma) return [];
    return [
      index === 0 ? replace('drop-element', item, comma, '') : replace('drop-element', comma, item, ''),
    ];
  });
}

/** Statements of a body become NULL; triggers, rights and rows of a migration are left out. */
function statements({ token, tokens, at, slice, statement }: Place): Found[] {
  if (!startsStatement(tokens[at - 1])) return [];
  const to = tokens[findEnd(tokens, at, ({ text, kind }) => text === ';' || kind === 'delimiter') - 1];
  if (!to) return [];
  if (/^CREATE (CONSTRAINT )?TRIGGER/.test(statement)) return [replace('no-trigger', token, to, '')];
  const isDropped = /^(GRANT|REVOKE|INSERT|UPDATE|DELETE|PERFORM|EXECUTE|RAISE EXCEPTION)\b/.test(statement);
  const isAssignment = token.inBody && /^[\w"]+( \. [\w"]+)* :=/.test(statement);
  const isSetting = /^ALTER TABLE/.test(statement) && !/\bADD COLUMN\b/.test(slice(token, to));
  if (!isDropped && !isAssignment && !(isSetting && !token.inBody)) return [];
  return [replace('no-statement', token, to, token.inBody ? 'NULL' : '')];
}

/** Locks and rights: FOR UPDATE, FOR SHARE, SECURITY DEFINER, STRICT, events of a trigger. */
function clauses({ token, tokens, at, statement }: Place): Found[] {
  const next = tokens[at + 1];
  const isLock = token.text === 'FOR' && /^(UPDATE|SHARE|NO|KEY)$/.test(next?.text ?? '');
  if (isLock && next) {
    const to = tokens[at + ({ NO: 3, KEY: 2 }[next.text] ?? 1)];
    return to ? [replace('no-lock', token, to, '')] : [];
  }
  if (token.text === 'SECURITY' && next?.text === 'DEFINER') return [replace('no-definer', token, next, '')];
  const isEvent =
    /^CREATE (CONSTRAINT )?TRIGGER/.test(statement) && /^(INSERT|UPDATE|DELETE)$/.test(token.text);
  if (isEvent && next?.text === 'OR') return [replace('no-event', token, next, '')];
  return [];
}

const operators = [conditions, comparisons, logic, signs, constraints, values, statements, clauses];
