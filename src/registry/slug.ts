import { invalidField } from '../errors.js';
import { withoutJoiners } from './joiners.js';

export const slugPattern = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** Returns why a text is not a slug; undefined when it is one. */
export function findSlugProblem(text: string): string | undefined {
  const { length } = [...text]; // characters, as PostgreSQL counts them
  if (length < 2 || length > 40) return 'must have 2 to 40 characters';
  if (text.startsWith('pg_')) return 'must not start with pg_, which PostgreSQL keeps for itself';
  if (!slugPattern.test(text))
    return 'must be lower-case letters and digits, in words joined by single - or _, and start with a letter';
  if (/^[0-9a-f]{32}$/.test(text.replaceAll('-', ''))) return 'must not look like a UUID';
  return undefined;
}

export function isSlug(text: string): boolean {
  return findSlugProblem(text) === undefined;
}

/**
 * Derives the slug of a name: "Café Müller & Co" → "cafe-muller-co". Letters without an ASCII form are refused instead
 * of dropped: "аcme" with a Cyrillic а must not become another tenant's slug.
 */
export function deriveSlug(name: string): string {
  const plain = withoutJoiners(name).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  if (/[^\p{ASCII}]/u.test(plain.replace(/[\p{P}\p{Z}\p{S}]/gu, '')))
    throw invalidField(
      'slug',
      `can't be derived from the name "${name}", which has letters outside a to z: give a slug`,
    );
  const slug = plain
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-|-$/g, '');
  const problem = findSlugProblem(slug);
  if (problem)
    throw invalidField(
      'slug',
      `can't be derived from the name "${name}" ("${slug}" ${problem}): give a slug`,
    );
  return slug;
}
