/** A word, number, symbol or string of SQL. Bodies in dollar quotes are read as SQL too; their delimiters are tokens. */
export interface Token {
  kind: 'word' | 'number' | 'symbol' | 'string' | 'delimiter';
  /** In capitals when it is a word. */
  text: string;
  start: number;
  end: number;
  /** How many parentheses are open around it. A parenthesis counts as outside its own pair. */
  depth: number;
  /** Whether it stands in a body. */
  inBody: boolean;
}

const patterns: [Token['kind'] | 'skipped', RegExp][] = [
  ['skipped', /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ['delimiter', /\$[a-z_]*\$/iy],
  ['string', /[EB]?'(?:[^']|'')*'/iy],
  ['word', /"[^"]*"|[a-z_][\w$]*/iy],
  ['number', /\d+(?:\.\d+)?/y],
  ['symbol', /\$\d+|::|:=|=>|->>|->|#>>|#>|#-|@>|<@|<=|>=|<>|!=|\|\||!~\*?|~\*|-\|-|&&|[\s\S]/y],
];

export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let openTag: string | undefined;
  for (let at = 0; at < text.length; ) {
    let { kind, matched } = matchAt(text, at);
    if (kind === 'delimiter') {
      if (openTag === undefined && isBody(text, at + matched.length)) openTag = matched;
      else if (openTag === matched) openTag = undefined;
      else [kind, matched] = ['string', text.slice(at, endOfString(text, at, matched))];
    }
    if (kind !== 'skipped') {
      if (matched === ')') depth -= 1;
      const shown = kind === 'word' ? matched.toUpperCase() : matched;
      tokens.push({
        kind,
        text: shown,
        start: at,
        end: at + matched.length,
        depth,
        inBody: openTag !== undefined,
      });
      if (matched === '(') depth += 1;
    }
    at += matched.length;
  }
  return tokens;
}

/** A body begins on a line of its own; anything else in such quotes is a string, like a pattern in `$re$`. */
function isBody(text: string, at: number): boolean {
  return /\s/.test(text[at] ?? '');
}

function endOfString(text: string, at: number, tag: string): number {
  const closing = text.indexOf(tag, at + tag.length);
  return closing < 0 ? text.length : closing + tag.length;
}

function matchAt(text: string, at: number): { kind: Token['kind'] | 'skipped'; matched: string } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const matched = pattern.exec(text)?.[0];
    if (matched) return { kind, matched };
  }
  throw new Error(`no token at ${at}`);
}
