import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP } from 'node:net';

/**
 * The address that a request counts for: that of the connection, or, where a trusted proxy made the connection, the last
 * address in X-Forwarded-For that is no trusted proxy; what stands before it was written by the client. An IPv6 address
 * counts as its /64, which one host can have to itself.
 */
export function clientAddress({ socket, headers }: IncomingMessage, proxies: BlockList | undefined): string {
  let address = plainAddress(socket.remoteAddress ?? '');
  if (proxies && isTrusted(address, proxies)) {
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    for (const text of forwarded.reverse()) {
      const given = plainAddress(text.trim());
      if (isIP(given) === 0) break;
      address = given;
      if (!isTrusted(given, proxies)) break;
    }
  }
  return isIP(address) === 6 ? networkOf(address) : address;
}

function isTrusted(address: string, proxies: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** An IPv4 address in the form that a server on :: sees, and a zone, are written as usual. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/** The first four groups, written out. */
function networkOf(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...new Array<string>(Math.max(0, missing)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
