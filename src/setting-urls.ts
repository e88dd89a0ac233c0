/** The forms of URLs that settings accept. */
import { parseUrl } from './parse-url.js';

/** Whether keys may be read from this URL. A forged key lets anybody in, so the network must be protected. */
export function isKeySource(text: string): boolean {
  const url = parseUrl(text);
  if (!url) return false;
  const { protocol, hostname } = url;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A path prefix with or without the slashes around it; "/" is none. */
export function isBasePath(text: string): boolean {
  return /^\/?(?:[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*)?\/?$/.test(text);
}

/** "/registry", or empty. */
export function normalizeBasePath(text: string): string {
  const path = text.replace(/^\/|\/$/g, '');
  return path && `/${path}`;
}

export function isPostgresUrl(text: string): boolean {
  try {
    const { pathname, username } = new URL(text);
    const [database, user] = [decodeURIComponent(pathname.slice(1)), decodeURIComponent(username)];
    return /^postgres(ql)?:\/\//.test(text) && database !== '' && fits(database) && fits(user);
  } catch {
    return false;
  }
}

/** PostgreSQL cuts a longer name of a database or role to 63 bytes, and connects to the one that has the rest as its name. */
function fits(name: string): boolean {
  return Buffer.byteLength(name) <= 63;
}

export function isRedisUrl(text: string): boolean {
  const sentinel = /^redis-sentinel:\/\/(.*@)?([^@/]+)(\/[^/]+(\/\d+)?)?$/.exec(text);
  if (sentinel) {
    const [, userInfo = '', hosts = ''] = sentinel;
    return hosts.split(',').every((host) => isRedisNode(`redis://${userInfo}${host}`, /^$/));
  }
  const nodes = text.split(',');
  if (nodes.length === 1) return isRedisNode(text, /^(\/\d*)?$/);
  // A Cluster has database 0 only, and TLS on all nodes or on none.
  const schemes = new Set(nodes.map((node) => node.split(':')[0]));
  return schemes.size === 1 && nodes.every((node) => isRedisNode(node, /^(\/0?)?$/));
}

function isRedisNode(text: string, path: RegExp): boolean {
  const url = parseUrl(text);
  if (!url) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = url;
  return (
    /^rediss?:$/.test(protocol) &&
    hostname !== '' &&
    path.test(pathname) &&
    search + hash === '' &&
    isDecodable(username + password)
  );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
