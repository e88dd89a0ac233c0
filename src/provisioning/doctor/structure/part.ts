/** A part of a schema's structure: a table, a column, an index, the rights on one of them. */
export interface Part {
  /** "column" */
  kind: string;
  /** The table, type or routine that it belongs to; null for parts of the schema itself. */
  parent: string | null;
  name: string;
  /** The columns of its table that it is made of. */
  columns: string[] | null;
  /** Its definition, in texts of PostgreSQL: "type" → "integer". Facts that do not hold are left out. */
  facts: Record<string, Fact>;
}

export type Fact = string | readonly string[];

/** The kinds whose name is not that of their parent and their own: the parts that stand in the schema itself, and rights. */
export function titleOf({ kind, parent, name }: Pick<Part, 'kind' | 'parent' | 'name'>): string {
  const isOwn =
    parent === null || kind === 'grants' || kind === 'index' || kind === 'sequence' || kind === 'statistics';
  return isOwn ? name : `${parent}.${name}`;
}

/** "type integer, NOT NULL": what a person compares. */
export function describeFacts({ facts }: Pick<Part, 'facts'>): string {
  const { definition, ...others } = facts;
  const said = Object.entries(others)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, fact]) => (name === 'notNull' ? 'NOT NULL' : `${wordsOf(name)} ${textOf(fact)}`));
  return [...(definition === undefined ? [] : [textOf(definition)]), ...said].join(', ') || 'none';
}

export function textOf(fact: Fact | undefined): string {
  if (fact === undefined) return 'none';
  return typeof fact === 'string' ? fact : fact.join(', ');
}

/** "replicaIdentity" is "replica identity"; names of roles stay as they are. */
export function wordsOf(name: string): string {
  return /^[a-z]+([A-Z][a-z]+)*$/.test(name)
    ? name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    : name;
}
