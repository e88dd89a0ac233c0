/** Reads the text of a client.yaml. Pure; what it says of problems holds nothing of the file. */
import { type Document, isNode, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import { growTree, type MapTree, maxDepth, type Position, Stop, tooDeep } from './client-tree.js';

/** What is wrong in a file, and where; never the text that stands there. */
export interface FileProblem {
  path: string | null;
  line: number | null;
  column: number | null;
  message: string;
}

/** What the parser's codes mean. Its own messages quote the line, which may hold a secret. */
const meanings: Record<string, string> = {
  BAD_ALIAS: 'uses an alias in a way that YAML does not know',
  BAD_DQ_ESCAPE: 'has a backslash in double quotes that YAML does not know: use single quotes',
  BAD_INDENT: 'is not indented as the lines before it',
  BLOCK_AS_IMPLICIT_KEY: 'has a key within a key: is a quote or a line break missing?',
  BLOCK_IN_FLOW: 'has an indented block within [ ] or { }',
  MISSING_CHAR: 'lacks a quote, a bracket, a comma or a colon: something is not closed or not separated',
  MULTILINE_IMPLICIT_KEY: 'has a key over several lines: is a colon or a quote missing?',
  MULTIPLE_DOCS: 'holds a second document after ---',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  TAG_RESOLVE_FAILED: 'has a tag (!…) that is none of YAML’s own, or a value that does not fit it',
  UNEXPECTED_TOKEN: 'has something where YAML expects nothing of the kind',
};

/** The tree of a file, or what is wrong with it. */
export function readClientFile(text: string): { tree: MapTree } | { problems: FileProblem[] } {
  const lines = countLines(text);
  const locate = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problem = (message: string, offset = 0): FileProblem => ({
    path: null,
    ...locate(offset),
    message,
  });
  try {
    requireModest(text);
    // Keys are compared below: the parser compares each with each, which takes minutes for a megabyte of them.
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
    const wrong = [...document.errors, ...document.warnings];
    if (wrong.length > 0)
      return {
        problems: wrong
          .slice(0, 5)
          .map(({ code, pos }) =>
            problem(
              `${meanings[code] ?? 'is no YAML'} (${code})`,
              pos[0] < text.trimEnd().length ? pos[0] : findLastBegun(document, pos[0]),
            ),
          ),
      };
    if (document.contents === null) return { problems: [problem('is empty')] };
    const tree = growTree(document.contents, locate);
    if (tree.kind !== 'map') return { problems: [problem('must be keys with values')] };
    return { tree };
  } catch (error) {
    if (error instanceof Stop) return { problems: [problem(error.message, error.offset)] };
    // Whatever else the parser throws may quote the file.
    const isDeep = error instanceof RangeError;
    return { problems: [problem(isDeep ? 'is nested too deeply' : 'cannot be read as YAML')] };
  }
}

/** Also for what is found before the parser has got there. */
function countLines(text: string): LineCounter {
  const lines = new LineCounter();
  for (let at = 0; at >= 0; at = text.indexOf('\n', at) + 1 || -1) lines.addNewLine(at);
  return lines;
}

/** Far more than any client has; reading as many takes about a second. */
const maxTokens = 200_000;
/** Of the tokens; a level of the tree may take two of them. */
const maxTokenDepth = 2 * maxDepth;

/**
 * Before anything is parsed: the parser takes seconds for a megabyte of mistakes, and nesting that exhausts its stack can end
 * the whole process.
 */
function requireModest(text: string): void {
  let offset = 0;
  let count = 0;
  let flows = 0;
  let compact = 0;
  let isLineStart = true;
  const indents: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (++count > maxTokens) throw new Stop(`has more than ${maxTokens} parts`, offset);
    const isSpace = /^[ \t]*$/.test(token);
    if (isLineStart && token !== '\n' && token !== '\r\n') {
      const indent = isSpace ? token.length : 0;
      while ((indents.at(-1) ?? -1) >= indent) indents.pop();
      indents.push(indent);
      compact = 0;
    }
    isLineStart = token.endsWith('\n');
    if (token === '[' || token === '{') flows++;
    else if (token === ']' || token === '}') flows = Math.max(flows - 1, 0);
    else if (token === '-' || token === '?' || token === ':') compact++;
    else if (!isSpace) compact = 0;
    if (flows + compact + indents.length > maxTokenDepth) throw tooDeep(offset);
    offset += token.length;
  }
}

/** What is never closed is missed at the end of the file only; what helps is where it began. */
function findLastBegun(document: Document, end: number): number {
  let begun = -1;
  visit(document, {
    Node(_key, node) {
      if (isNode(node) && node.range && node.range[1] > node.range[0]) begun = Math.max(begun, node.range[0]);
    },
  });
  return begun < 0 ? end : begun;
}
