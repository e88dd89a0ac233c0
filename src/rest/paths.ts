/** Paths of the tenants; the second is an alias for existing scripts. */
export const collections = ['/api/tenants', '/api/v1/admin/tenants'] as const;

export const documentPath = '/api/openapi.json';

/** Whether the REST API answers requests to the path, with 404 if nothing else. */
export function isRestPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** The path's name in metrics, without text that a client chose; undefined for an unknown path. */
export function restPathName(path: string): string | undefined {
  if (path === documentPath) return path;
  const found = findPlace(path);
  return found && (found.reference === undefined ? found.collection : `${found.collection}/{slug}`);
}

/** Splits a path into collection and tenant reference; undefined for an unknown path. */
export function findPlace(path: string): { collection: string; reference: string | undefined } | undefined {
  for (const collection of collections) {
    if (path === collection) return { collection, reference: undefined };
    if (!path.startsWith(`${collection}/`)) continue;
    const reference = path.slice(collection.length + 1);
    if (/^[^/]+$/.test(reference)) return { collection, reference };
  }
  return undefined;
}
