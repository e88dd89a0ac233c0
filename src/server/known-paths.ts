import { isRestPath, restPathName } from '../rest/paths.js';

/** Also the only paths that metrics name. */
const knownPaths = new Set(['/', '/graphql', '/lease', '/health', '/ready', '/metrics']);

export function isKnownPath(path: string): boolean {
  return knownPaths.has(path);
}

/** Path of a request as metrics may name it: nothing that a client chose. */
export function pathName(path: string): string {
  return knownPaths.has(path) ? path : (restPathName(path) ?? 'other');
}

/**
 * The path without BASE_PATH. A path that means something as it stands is left alone: a proxy may have removed the prefix, and the
 * prefix may be `/api`.
 */
export function withoutBasePath(path: string, basePath: string): string {
  if (basePath === '' || knownPaths.has(path)) return path;
  if (path !== basePath && !path.startsWith(`${basePath}/`)) return path;
  const rest = path.slice(basePath.length) || '/';
  return knownPaths.has(rest) || isRestPath(rest) ? rest : path;
}
