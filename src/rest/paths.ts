/** Paths of the tenants; the second is an alias for existing scripts. */
export const collections = ['/api/tenants', '/api/v1/admin/tenants'] as const;

/** Parts of a tenant, below its path. */
export const parts = ['settings', 'branding'] as const;
export type Part = (typeof parts)[number];

/** Prefixes of the paths of parts: the one that existing scripts use, and those of the tenants. */
export const partPrefixes = ['/api/v1/tenants', ...collections] as const;

export const documentPath = '/api/openapi.json';

/** Whether the REST API answers requests to the path, with 404 if nothing else. */
export function isRestPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** The path's name in metrics, without text that a client chose; undefined for an unknown path. */
export function restPathName(path: string): string | undefined {
  return path === documentPath ? path : findPlace(path)?.template;
}

export interface Place {
  /** Path in front of the tenant's reference, as the client wrote it. */
  collection: string;
  /** The path with `{slug}` instead of the tenant. */
  template: string;
  /** Slug, id or external id of a tenant as in the path; undefined for the collection. */
  reference: string | undefined;
  part: Part | undefined;
}

const pattern = new RegExp(`^(${partPrefixes.join('|')})(?:/([^/]+)(?:/(${parts.join('|')}))?)?$`);

/** Splits a path into collection, tenant reference and part; undefined for an unknown path. */
export function findPlace(path: string): Place | undefined {
  const [, collection, reference, name] = pattern.exec(path) ?? [];
  const part = parts.find((one) => one === name);
  if (collection === undefined || (!part && !collections.some((one) => one === collection))) return undefined;
  const template = [collection, ...(reference === undefined ? [] : ['{slug}']), ...(part ? [part] : [])].join(
    '/',
  );
  return { collection, template, reference, part };
}
