/** A word, number, symbol or string of SQL. Bodies in `$$` are read as SQL too; their delimiters are tokens. */
export interface Token {
  kind: 'word' | 'number' | 'symbol' | 'string' | 'delimiter';
  /** In capitals when it is a word. */
  text: string;
  start: number;
  end: number;
  /** How many parentheses are open around it. A parenthesis counts as outside its own pair. */
  depth: number;
  /** Whether it stands between two `$$`. */
  inBody: boolean;
}

const patterns: [Token['kind'] | 'skipped', RegExp][] = [
  ['skipped', /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ['delimiter', /\$[a-z_]*\$/iy],
  ['string', /[EB]?'(?:[^']|'')*'/iy],
  ['word', /"[^"]*"|[a-z_][\w$]*/iy],
  ['number', /\d+(?:\.\d+)?/y],
  ['symbol', /\$\d+|::|:=|=>|->>|->|#>>|#>|@>|<@|<=|>=|<>|!=|\|\||!~\*?|~\*|-\|-|&&|[\s\S]/y],
];

export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let inBody = false;
  for (let at = 0; at < text.length; ) {
    const { kind, matched } = matchAt(text, at);
    if (kind !== 'skipped') {
      if (matched === ')') depth -= 1;
      if (kind === 'delimiter') inBody = !inBody;
      const shown = kind === 'word' ? matched.toUpperCase() : matched;
      tokens.push({ kind, text: shown, start: at, end: at + matched.length, depth, inBody });
      if (matched === '(') depth += 1;
    }
    at += matched.length;
  }
  return tokens;
}

function matchAt(text: string, at: number): { kind: Token['kind'] | 'skipped'; matched: string } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const matched = pattern.exec(text)?.[0];
    if (matched) return { kind, matched };
  }
  throw new Error(`no token at ${at}`);
}
