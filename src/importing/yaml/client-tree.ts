/** Builds a tree from a YAML document in which every value knows its position. Pure. */
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { findSecret } from '../../registry/values/secret-detector.js';

export interface Position {
  line: number;
  column: number;
}

export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  kind: 'map';
  at: Position;
  entries: Map<string, Tree>;
}

export interface ListTree {
  kind: 'list';
  at: Position;
  items: Tree[];
}

export interface ScalarTree {
  kind: 'scalar';
  at: Position;
  value: string | number | boolean | null;
  /** The text as written, without quotes: the text of the number 007 keeps its zeros. */
  text: string;
}

/** Each use of an alias counts: nine lines can expand to a thousand million values. */
const maxValues = 200_000;
export const maxDepth = 40;

/** The reason why a document is refused, with its position. The message repeats nothing of the document. */
export class UnusableYaml extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Builds the tree of a document's nodes. Throws UnusableYaml. */
export function buildTree(contents: Node, locatePosition: (offset: number) => Position): Tree {
  return new TreeBuilder(locatePosition).build(contents, 0);
}

/** Builds a tree from the parser's nodes. Trees of aliases are shared, and their size counts for each use. */
class TreeBuilder {
  readonly #locate: (offset: number) => Position;
  readonly #anchors = new Map<string, Tree>();
  readonly #measures = new WeakMap<Tree, { size: number; height: number }>();

  constructor(locate: (offset: number) => Position) {
    this.#locate = locate;
  }

  build(node: Node, depth: number): Tree {
    const offset = node.range?.[0] ?? 0;
    if (depth > maxDepth) throw tooDeep(offset);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) throw new UnusableYaml('refers to an anchor (&…) that is not defined before it', offset);
      if (depth + this.#measureOf(target).height > maxDepth) throw tooDeep(offset);
      return target;
    }
    const tree = this.#buildOwn(node, offset, depth);
    // The anchor is set after its tree is built, so an alias to itself finds nothing.
    if ('anchor' in node && node.anchor) this.#anchors.set(node.anchor, tree);
    return tree;
  }

  #buildOwn(node: Node, offset: number, depth: number): Tree {
    const at = this.#locate(offset);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item as Node, depth + 1));
      return this.#measure({ kind: 'list', at, items }, items, offset);
    }
    if (isMap(node)) {
      const entries = this.#buildEntries(node as YAMLMap<Node, Node | null>, depth);
      return this.#measure({ kind: 'map', at, entries }, entries.values(), offset);
    }
    if (!isScalar(node)) throw new UnusableYaml('has a node that is not a value', offset);
    return this.#measure(readScalar(node.value, node.source, at, offset), [], offset);
  }

  #buildEntries(map: YAMLMap<Node, Node | null>, depth: number): Map<string, Tree> {
    const entries = new Map<string, Tree>();
    const merged: Tree[] = [];
    for (const { key, value } of map.items) {
      const offset = key.range?.[0] ?? 0;
      const name = readKey(key, offset);
      // An empty value has the position of its key.
      const tree: Tree = value
        ? this.build(value, depth + 1)
        : { kind: 'scalar', at: this.#locate(offset), value: null, text: '' };
      if (name === '<<') merged.push(tree);
      else if (entries.has(name)) throw new UnusableYaml('has a key for the second time', offset);
      else entries.set(name, tree);
    }
    // The map's own keys take precedence, then the first merged ones.
    for (const from of merged.flatMap((tree) => (tree.kind === 'list' ? tree.items : [tree]))) {
      if (from.kind !== 'map')
        throw new UnusableYaml('merges (<<) a value that is not a map', map.range?.[0] ?? 0);
      for (const [name, tree] of from.entries) if (!entries.has(name)) entries.set(name, tree);
    }
    return entries;
  }

  #measure<T extends Tree>(tree: T, parts: Iterable<Tree>, offset: number): T {
    let size = 1;
    let height = 1;
    for (const part of parts) {
      const measure = this.#measureOf(part);
      size += measure.size;
      height = Math.max(height, measure.height + 1);
    }
    if (size > maxValues)
      throw new UnusableYaml(`expands to more than ${maxValues} values, aliases included`, offset);
    this.#measures.set(tree, { size, height });
    return tree;
  }

  #measureOf(tree: Tree) {
    return this.#measures.get(tree) ?? { size: 1, height: 1 };
  }
}

export function tooDeep(offset: number): UnusableYaml {
  return new UnusableYaml(`is nested more than ${maxDepth} levels deep`, offset);
}

function readKey(key: unknown, offset: number): string {
  if (!isScalar(key) || key.value === null) throw new UnusableYaml('has a key that is not a text', offset);
  const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  requireStorable(name, offset);
  if (name === '__proto__') throw new UnusableYaml('has the key __proto__, which is not allowed', offset);
  return name;
}

function readScalar(value: unknown, source: string | undefined, at: Position, offset: number): ScalarTree {
  const text = typeof value === 'string' ? value : (source ?? String(value));
  requireStorable(text, offset);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new UnusableYaml('is no number that can be kept', offset);
    // Digits beyond what a number holds would be lost.
    const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
    return { kind: 'scalar', at, value: isExact ? value : text, text };
  }
  if (value === null || value === undefined) return { kind: 'scalar', at, value: null, text: '' };
  if (typeof value === 'string' || typeof value === 'boolean') return { kind: 'scalar', at, value, text };
  if (value instanceof Date) return { kind: 'scalar', at, value: text, text };
  throw new UnusableYaml('has a value of a type that cannot be stored', offset);
}

function requireStorable(text: string, offset: number): void {
  if (/[\0\p{Cs}]/u.test(text)) throw new UnusableYaml('holds characters that cannot be stored', offset);
}

/** Returns the position of the value at a path, or of its nearest parent when the value is missing. */
export function locate(tree: Tree, path: readonly string[]): Position {
  let here = tree;
  for (const key of path) {
    const next =
      here.kind === 'map'
        ? here.entries.get(key)
        : here.kind === 'list'
          ? here.items[Number(key)]
          : undefined;
    if (!next) break;
    here = next;
  }
  return here.at;
}

/** Formats a path for messages, such as "email.smtp.password". A key that looks like a secret is not repeated. */
export function showPath(path: readonly string[]): string {
  return path.map(showKey).join('.');
}

function showKey(key: string): string {
  if (findSecret('', key) !== undefined) return '…';
  const shown = key.replace(/\p{C}/gu, '?');
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
}
