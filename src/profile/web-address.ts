/** URLs and hosts that a tenant's profile may name. Services fetch them, from inside the platform's network. */
import { BlockList } from 'node:net';
import { parseUrl } from '../urls/parse-url.js';

/** Returns why a text is not accepted as a URL; undefined when it is. Whether its host is public is asked separately. */
export function findUrlProblem(text: string): string | undefined {
  // URL parsers disagree about backslashes, blanks and missing slashes, so a check of one says nothing for another.
  const url = /^https?:\/\/[^\s\\/\p{C}][^\s\\\p{C}]*$/iu.test(text) ? parseUrl(text) : undefined;
  if (!url) return 'must be an http or https URL';
  if (url.username || url.password)
    return 'must not have a user name or password: remove the part before the @';
  return undefined;
}

/** Returns why a valid URL is not public; undefined when it is, or when the text is no URL. */
export function findPrivateUrl(text: string): string | undefined {
  const url = parseUrl(text);
  return url && findPrivateHost(url.hostname);
}

/**
 * Returns why a host is not public; undefined when it may be. A public name that resolves to a private address is not
 * recognised: services that fetch URLs check the address they connect to.
 */
export function findPrivateHost(host: string): string | undefined {
  // The parser reads every notation of an IPv4 address: decimal, octal, hexadecimal, with fewer than four parts.
  const name = (parseUrl(`http://${host}`)?.hostname ?? host).replace(/\.$/, '').toLowerCase();
  return isPublic(name) ? undefined : 'must name a public host, not one inside a network: see PRIVATE_URLS';
}

function isPublic(name: string): boolean {
  if (name.startsWith('[')) return isPublicV6(name.slice(1, -1));
  if (/^\d+(\.\d+){3}$/.test(name)) return !privateV4.check(name, 'ipv4');
  // A name without a dot, and these endings, are found only inside a network.
  return (
    name.includes('.') && !/\.(localhost|localdomain|local|internal|intranet|lan|home\.arpa)$/.test(name)
  );
}

const privateV4 = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  privateV4.addSubnet(net, bits, 'ipv4');

/** The part of IPv6 that is routed globally, and within it the networks that carry IPv4 addresses or examples. */
const globalV6 = new BlockList();
globalV6.addSubnet('2000::', 3, 'ipv6');
const specialV6 = new BlockList();
specialV6.addSubnet('2001::', 23, 'ipv6');
specialV6.addSubnet('2001:db8::', 32, 'ipv6');
specialV6.addSubnet('2002::', 16, 'ipv6');

function isPublicV6(address: string): boolean {
  return globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6');
}
