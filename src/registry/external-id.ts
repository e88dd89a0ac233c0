import { isUuid } from './slug.js';

/** Number of external ids of one tenant, removed ones included. */
export const maxExternalIds = 20;

/** Characters that need no quoting in headers, lists, CSV files and paths of URLs. The rule of the database is the same. */
const externalIdPattern = /^[A-Za-z0-9_][A-Za-z0-9._~:@=|+-]{0,99}$/;

/** Returns why a text is not an external id; undefined when it is one. */
export function findExternalIdProblem(text: string): string | undefined {
  if (text.length < 1 || text.length > 100) return 'must have 1 to 100 characters';
  if (!externalIdPattern.test(text))
    return 'must be letters from A to Z and a to z, digits and . _ ~ : @ = | + -, and begin with a letter, a digit or _';
  if (/^[0-9a-f]{32}$/i.test(text.replaceAll('-', ''))) return 'must not look like a UUID';
  return undefined;
}

export function isExternalId(text: string): boolean {
  return findExternalIdProblem(text) === undefined;
}

/** Selects what `externalIds` shows of a tenant. */
export const activeExternalIds = {
  select: { externalId: true },
  where: { status: 'ACTIVE' },
  orderBy: { externalId: 'asc' },
} as const;

/** Whether a text can be the id, the slug or an external id of a tenant. Every slug has the form of an external id. */
export function isTenantReference(text: string): boolean {
  return isUuid(text) || isExternalId(text);
}
