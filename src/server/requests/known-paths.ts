import { isRestPath, restPathName } from '../../rest/paths.js';

/** Also the only paths that metrics name. */
const knownPaths = new Set(['/', '/graphql', '/lease', '/health', '/ready', '/startup', '/metrics']);

export function isKnownPath(path: string): boolean {
  return knownPaths.has(path) || isAdminPath(path);
}

/** The admin page with its files, and the addresses of its screens. */
export function isAdminPath(path: string): boolean {
  return path === '/admin' || path.startsWith('/admin/');
}

/** Path of a request as metrics may name it: nothing that a client chose. */
export function pathName(path: string): string {
  if (knownPaths.has(path)) return path;
  return isAdminPath(path) ? '/admin' : (restPathName(path) ?? 'other');
}

/**
 * The path without BASE_PATH. A path that means something as it stands is left alone: a proxy may have removed the prefix, and the
 * prefix may be `/api`.
 */
export function withoutBasePath(path: string, basePath: string): string {
  if (basePath === '' || knownPaths.has(path) || path === '/admin') return path;
  if (path !== basePath && !path.startsWith(`${basePath}/`)) return path;
  const rest = path.slice(basePath.length) || '/';
  return isKnownPath(rest) || isRestPath(rest) ? rest : path;
}
