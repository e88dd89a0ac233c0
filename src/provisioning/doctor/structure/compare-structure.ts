import { createNameless, mapFact, moveTo } from './nameless.js';
import { type Part, textOf, titleOf } from './part.js';

export type DifferenceCode =
  | 'STRUCTURE_MISSING'
  | 'STRUCTURE_EXTRA'
  | 'STRUCTURE_DIFFERS'
  | 'INDEX_INVALID'
  | 'GRANTS_DIFFER';

/** One part in which a schema is not what the module's files make. */
export interface Difference {
  code: DifferenceCode;
  kind: string;
  /** "invoice.number" */
  name: string;
  /** The part as the files make it in this schema; undefined when they do not. */
  expected: Part | undefined;
  /** undefined when it does not exist. */
  found: Part | undefined;
  /** The facts that differ; empty for parts that are missing or beyond the files. */
  changed: string[];
  /** Equal for the same difference of the same part, whatever the schema is called. */
  content: string;
}

/** The structure that a module's files make in a schema with a name that stands for nothing else. */
export interface Structure {
  schema: string;
  parts: readonly Part[];
}

interface Named {
  part: Part;
  parent: string | null;
  columns: readonly string[];
  facts: Record<string, string>;
}

/**
 * Compares a schema with its reference, whatever the order of columns is. One finding per fault: what belongs to a part that is missing,
 * or beyond the files, is not reported beside it. Partitions that services make are no difference.
 */
export function compareStructure(found: Structure, reference: Structure): Difference[] {
  const nameless = createNameless([found.schema, reference.schema]);
  const inSchema = quotedName(found.schema);
  const expected = nameParts(reference.parts, nameless);
  const present = nameParts(found.parts, nameless);
  const missing = without(expected, present);
  const extra = without(present, expected, isPartition);
  const differences: Difference[] = [];
  for (const [key, one] of expected) {
    const other = present.get(key);
    if (!other) {
      if (!missing.covers(one)) differences.push(differenceOf(one, undefined));
    } else if (!isEqual(one, other)) differences.push(differenceOf(one, other));
  }
  for (const [key, other] of present)
    if (!expected.has(key) && !extra.covers(other)) differences.push(differenceOf(undefined, other));
  return differences.map((difference) => {
    const part = difference.expected && moveTo(difference.expected, reference.schema, inSchema);
    const shown = difference.found ?? part;
    return { ...difference, name: shown ? titleOf(shown) : difference.name, expected: part };
  });
}

/** The name as PostgreSQL's quote_ident writes it; names of tenants' schemas are no keywords that need quotes in texts of the catalog. */
export function quotedName(schema: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(schema) ? schema : `"${schema.replaceAll('"', '""')}"`;
}

function nameParts(parts: readonly Part[], nameless: (text: string) => string): Map<string, Named> {
  return new Map(
    parts.map((part) => {
      const { kind, name, columns, facts } = part;
      const parent = part.parent === null ? null : nameless(part.parent);
      const named: Named = {
        part,
        parent,
        columns: columns ?? [],
        facts: Object.fromEntries(
          Object.entries(facts)
            .filter(([, fact]) => fact !== '')
            .map(([fact, value]) => [fact, JSON.stringify(mapFact(value, nameless))]),
        ),
      };
      return [JSON.stringify([kind, parent, nameless(name)]), named];
    }),
  );
}

/** The parts of `these` that `those` lack; `covers` tells whether a part goes with another one of them. */
function without(
  these: ReadonlyMap<string, Named>,
  those: ReadonlyMap<string, Named>,
  isExpected: (named: Named) => boolean = () => false,
) {
  const lacking = [...these].filter(([key]) => !those.has(key)).map(([, named]) => named);
  const own = lacking.filter(({ part, parent }) => parent === null && !isRight(part));
  const holders = new Set(own.map(({ part }) => part.name));
  const allowed = new Set(own.filter(isExpected).map(({ part }) => part.name));
  const columns = new Set(
    lacking
      .filter(({ part }) => part.kind === 'column')
      .map(({ part }) => JSON.stringify([part.parent, part.name])),
  );
  return {
    covers: ({ part, columns: made }: Named) =>
      (part.parent === null ? allowed.has(part.name) : holders.has(part.parent)) ||
      (part.kind !== 'column' && made.some((column) => columns.has(JSON.stringify([part.parent, column])))),
  };
}

function isPartition({ part }: Named): boolean {
  return part.facts.bound !== undefined;
}

function isRight({ kind }: Part): boolean {
  return kind === 'grants' || kind === 'default grants';
}

function isEqual(one: Named, other: Named): boolean {
  return changedFacts(one, other).length === 0;
}

function changedFacts(one: Named, other: Named): string[] {
  const names = new Set([...Object.keys(one.facts), ...Object.keys(other.facts)]);
  return [...names].filter((name) => one.facts[name] !== other.facts[name]).sort();
}

function differenceOf(one: Named | undefined, other: Named | undefined): Difference {
  const part = (one ?? other)?.part;
  if (!part) throw new Error('a difference has a part on one side');
  const changed = one && other ? changedFacts(one, other) : [];
  return {
    code: codeOf(part, one, other, changed),
    kind: part.kind,
    name: titleOf(part),
    expected: one?.part,
    found: other?.part,
    changed,
    content: JSON.stringify([one?.facts ?? null, other?.facts ?? null]),
  };
}

function codeOf(
  part: Part,
  one: Named | undefined,
  other: Named | undefined,
  changed: readonly string[],
): DifferenceCode {
  if (isRight(part)) return 'GRANTS_DIFFER';
  if (!other) return 'STRUCTURE_MISSING';
  if (!one) return 'STRUCTURE_EXTRA';
  const isInvalid = changed.length === 1 && textOf(other.part.facts[changed[0] ?? '']) === 'invalid';
  return isInvalid ? 'INDEX_INVALID' : 'STRUCTURE_DIFFERS';
}
