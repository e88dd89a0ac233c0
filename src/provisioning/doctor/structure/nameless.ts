import type { Fact, Part } from './part.js';

/** The text that replaces the name of the schema in compared texts. */
const anySchema = '~';

/**
 * Replaces names of schemas in the texts of a part. The texts of a tenant's schema and of its reference are compared with both names
 * replaced in both: so a table or a word that is called as the schema is no difference.
 */
export function createNameless(schemas: readonly string[]): (text: string) => string {
  const names = schemas.flatMap((schema) => [`"${schema.replaceAll('"', '""')}"`, schema]);
  const pattern = new RegExp(`(?<![\\w$"])(?:${names.map(escapePattern).join('|')})(?![\\w$"])`, 'g');
  return (text) => text.replaceAll(pattern, anySchema);
}

export function mapFact(fact: Fact, change: (text: string) => string): Fact {
  return typeof fact === 'string' ? change(fact) : fact.map(change);
}

/** The part with the text of `from`, a name that stands for nothing else, replaced by the name of a schema. */
export function moveTo(part: Part, from: string, schema: string): Part {
  const move = (text: string) => text.replaceAll(from, schema);
  return {
    ...part,
    parent: part.parent === null ? null : move(part.parent),
    name: move(part.name),
    facts: Object.fromEntries(Object.entries(part.facts).map(([name, fact]) => [name, mapFact(fact, move)])),
  };
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
