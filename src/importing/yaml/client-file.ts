/** Reads the text of a client.yaml. Pure; its messages repeat nothing of the file. */
import { type Document, isNode, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import { buildTree, type MapTree, maxDepth, type Position, tooDeep, UnusableYaml } from './client-tree.js';

/** A problem in a file with its position, without the text at that position. */
export interface FileProblem {
  path: string | null;
  line: number | null;
  column: number | null;
  message: string;
}

/** Messages for the parser's codes. Its own messages quote the line, which may hold a secret. */
const meanings: Record<string, string> = {
  BAD_ALIAS: 'uses an alias in a way that YAML does not allow',
  BAD_DQ_ESCAPE: 'has an unknown escape sequence in double quotes: use single quotes',
  BAD_INDENT: 'is not indented like the lines before it',
  BLOCK_AS_IMPLICIT_KEY: 'has a key within a key: is a quote or a line break missing?',
  BLOCK_IN_FLOW: 'has an indented block within [ ] or { }',
  MISSING_CHAR: 'lacks a quote, a bracket, a comma or a colon',
  MULTILINE_IMPLICIT_KEY: 'has a key over several lines: is a colon or a quote missing?',
  MULTIPLE_DOCS: 'holds a second document after ---',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  TAG_RESOLVE_FAILED:
    'has a tag (!…) that is not a standard tag of YAML, or a value that does not fit its tag',
  UNEXPECTED_TOKEN: 'has text where YAML does not allow it',
};

/** Returns the tree of a file, or its problems. */
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
    requireBoundedSize(text);
    // Duplicate keys are found below: the parser compares each key with each other key, which takes minutes for a
    // megabyte of them.
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
    const wrong = [...document.errors, ...document.warnings];
    if (wrong.length > 0)
      return {
        problems: wrong
          .slice(0, 5)
          .map(({ code, pos }) =>
            problem(
              `${meanings[code] ?? 'is not valid YAML'} (${code})`,
              pos[0] < text.trimEnd().length ? pos[0] : findLastBegun(document, pos[0]),
            ),
          ),
      };
    if (document.contents === null) return { problems: [problem('is empty')] };
    const tree = buildTree(document.contents, locate);
    if (tree.kind !== 'map') return { problems: [problem('must be a map of keys and values')] };
    return { tree };
  } catch (error) {
    if (error instanceof UnusableYaml) return { problems: [problem(error.message, error.offset)] };
    // Other errors of the parser may quote the file, so their messages are not used.
    const isDeep = error instanceof RangeError;
    return { problems: [problem(isDeep ? 'is nested too deeply' : 'cannot be read as YAML')] };
  }
}

/** Counts lines here because problems may be found before the parser has reached their position. */
function countLines(text: string): LineCounter {
  const lines = new LineCounter();
  for (let at = 0; at >= 0; at = text.indexOf('\n', at) + 1 || -1) lines.addNewLine(at);
  return lines;
}

/** Far more than a client.yaml has; reading this many takes about a second. */
const maxTokens = 200_000;
/** Depth in tokens. A level of the tree may take two of them. */
const maxTokenDepth = 2 * maxDepth;

/**
 * Checks size and depth before the parser runs: the parser takes seconds for a megabyte of mistakes, and deep nesting
 * can exhaust its stack and end the process.
 */
function requireBoundedSize(text: string): void {
  let offset = 0;
  let count = 0;
  let flows = 0;
  let compact = 0;
  let isLineStart = true;
  const indents: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (++count > maxTokens) throw new UnusableYaml(`has more than ${maxTokens} tokens`, offset);
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

/** The parser reports an unclosed quote or bracket at the end of the file. This finds where the last node begins. */
function findLastBegun(document: Document, end: number): number {
  let begun = -1;
  visit(document, {
    Node(_key, node) {
      if (isNode(node) && node.range && node.range[1] > node.range[0]) begun = Math.max(begun, node.range[0]);
    },
  });
  return begun < 0 ? end : begun;
}
