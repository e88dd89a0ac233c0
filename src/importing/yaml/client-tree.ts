/** A YAML document as a tree in which every value knows its line. Pure. */
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { findSecret } from '../../profile/secret-detector.js';

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
  /** As it was written, without quotes: 007 is a number and still has its zeros. */
  text: string;
}

/** Aliases count as often as they are used: nine lines can mean a thousand million values. */
const maxValues = 200_000;
export const maxDepth = 40;

/** Why a document is refused, and where; the message holds nothing of it. */
export class Stop extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** The tree of a document's nodes. Throws Stop. */
export function growTree(contents: Node, locatePosition: (offset: number) => Position): Tree {
  return new Grower(locatePosition).grow(contents, 0);
}

/** Makes a tree of the parser's nodes. Trees of aliases are shared, and counted each time. */
class Grower {
  readonly #locate: (offset: number) => Position;
  readonly #anchors = new Map<string, Tree>();
  readonly #measures = new WeakMap<Tree, { size: number; height: number }>();

  constructor(locate: (offset: number) => Position) {
    this.#locate = locate;
  }

  grow(node: Node, depth: number): Tree {
    const offset = node.range?.[0] ?? 0;
    if (depth > maxDepth) throw tooDeep(offset);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) throw new Stop('refers to an anchor (&…) that is not there before it', offset);
      if (depth + this.#measureOf(target).height > maxDepth) throw tooDeep(offset);
      return target;
    }
    const tree = this.#growOwn(node, offset, depth);
    // Afterwards: what refers to itself finds nothing.
    if ('anchor' in node && node.anchor) this.#anchors.set(node.anchor, tree);
    return tree;
  }

  #growOwn(node: Node, offset: number, depth: number): Tree {
    const at = this.#locate(offset);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.grow(item as Node, depth + 1));
      return this.#measure({ kind: 'list', at, items }, items, offset);
    }
    if (isMap(node)) {
      const entries = this.#growEntries(node as YAMLMap<Node, Node | null>, depth);
      return this.#measure({ kind: 'map', at, entries }, entries.values(), offset);
    }
    if (!isScalar(node)) throw new Stop('has something that is no value', offset);
    return this.#measure(readScalar(node.value, node.source, at, offset), [], offset);
  }

  #growEntries(map: YAMLMap<Node, Node | null>, depth: number): Map<string, Tree> {
    const entries = new Map<string, Tree>();
    const merged: Tree[] = [];
    for (const { key, value } of map.items) {
      const offset = key.range?.[0] ?? 0;
      const name = readKey(key, offset);
      // An empty value stands where its key does.
      const tree: Tree = value
        ? this.grow(value, depth + 1)
        : { kind: 'scalar', at: this.#locate(offset), value: null, text: '' };
      if (name === '<<') merged.push(tree);
      else if (entries.has(name)) throw new Stop('has a key for the second time', offset);
      else entries.set(name, tree);
    }
    // What stands there itself counts, then what was merged first.
    for (const from of merged.flatMap((tree) => (tree.kind === 'list' ? tree.items : [tree]))) {
      if (from.kind !== 'map') throw new Stop('merges (<<) what has no keys', map.range?.[0] ?? 0);
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
    if (size > maxValues) throw new Stop(`means more than ${maxValues} values, aliases included`, offset);
    this.#measures.set(tree, { size, height });
    return tree;
  }

  #measureOf(tree: Tree) {
    return this.#measures.get(tree) ?? { size: 1, height: 1 };
  }
}

export function tooDeep(offset: number): Stop {
  return new Stop(`is nested more than ${maxDepth} levels deep`, offset);
}

function readKey(key: unknown, offset: number): string {
  if (!isScalar(key) || key.value === null) throw new Stop('has a key that is no text', offset);
  const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  requireStorable(name, offset);
  if (name === '__proto__') throw new Stop('has the key __proto__, which no configuration has', offset);
  return name;
}

function readScalar(value: unknown, source: string | undefined, at: Position, offset: number): ScalarTree {
  const text = typeof value === 'string' ? value : (source ?? String(value));
  requireStorable(text, offset);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Stop('is no number that can be kept', offset);
    // Digits beyond what a number holds would be lost.
    const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
    return { kind: 'scalar', at, value: isExact ? value : text, text };
  }
  if (value === null || value === undefined) return { kind: 'scalar', at, value: null, text: '' };
  if (typeof value === 'string' || typeof value === 'boolean') return { kind: 'scalar', at, value, text };
  if (value instanceof Date) return { kind: 'scalar', at, value: text, text };
  throw new Stop('has a value of a type that cannot be kept', offset);
}

function requireStorable(text: string, offset: number): void {
  if (/[\0\p{Cs}]/u.test(text)) throw new Stop('holds characters that cannot be kept', offset);
}

/** Where the value of a path is; where its nearest parent is when it is not there. */
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

/** A path for people: "email.smtp.password". A key that looks like a secret is not repeated. */
export function showPath(path: readonly string[]): string {
  return path.map(showKey).join('.');
}

function showKey(key: string): string {
  if (findSecret('', key) !== undefined) return '…';
  const shown = key.replace(/\p{C}/gu, '?');
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
}
