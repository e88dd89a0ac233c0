/** Where tenants are; the second is an alias for scripts that know no other. */
export const collections = ['/api/tenants', '/api/v1/admin/tenants'] as const;

export const documentPath = '/api/openapi.json';

/** Whether this door answers for the path, if only to say that there is nothing. */
export function isRestPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** The path as metrics may name it, without anything a client chose; undefined for what is not there. */
export function restPathName(path: string): string | undefined {
  if (path === documentPath) return path;
  const found = findPlace(path);
  return found && (found.reference === undefined ? found.collection : `${found.collection}/{slug}`);
}

/** What of the collections a path names; undefined: nothing. */
export function findPlace(path: string): { collection: string; reference: string | undefined } | undefined {
  for (const collection of collections) {
    if (path === collection) return { collection, reference: undefined };
    if (!path.startsWith(`${collection}/`)) continue;
    const reference = path.slice(collection.length + 1);
    if (/^[^/]+$/.test(reference)) return { collection, reference };
  }
  return undefined;
}
