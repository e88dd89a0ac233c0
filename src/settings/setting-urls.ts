/** The forms of URLs that settings accept. */
import { parseUrl } from '../urls/parse-url.js';

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

/** Whether a text is an origin as browsers send it: scheme, host and port, and nothing else. */
export function isOrigin(text: string): boolean {
  const url = parseUrl(text);
  return url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text && !text.includes('*');
}
