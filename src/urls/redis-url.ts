/** REDIS_URL: what it accepts, and where it leads. */
import { parseUrl } from './parse-url.js';
import { findTlsProblems, readTlsRules, type TlsRules, tlsParameters } from './tls-rules.js';
import { findParameterProblems, refuse, type UrlParameters } from './url-parameters.js';

export interface RedisTarget {
  kind: 'single' | 'cluster' | 'sentinel';
  nodes: { host: string; port: number }[];
  /** Name of the master that the Sentinels know. */
  name: string | undefined;
  database: number;
  username: string | undefined;
  password: string | undefined;
  /** IP version of the addresses of host names; 0: both. */
  family: number | undefined;
  tls: TlsRules | undefined;
}

const tlsByScheme = 'write rediss:// for TLS, with the parameters sslmode, sslrootcert, sslcert and sslkey';
const inUrl = 'write it in the URL: redis://user:password@host:6379/0';
const fixed = 'remove it; a gateway never waits for Redis, and has one connection for requests';

/** Parameters of ioredis, redis-py and go-redis. */
export const redisParameters: UrlParameters = {
  family: {
    effect:
      'IP version of a host name’s addresses: `4` (default), `6`, or `0` for both, as in private networks with IPv6 only.',
    values: ['0', '4', '6'],
  },
  sslmode: {
    effect: 'Of rediss://. `verify-full` (default) as for PostgreSQL; `no-verify`: any certificate.',
    values: ['verify-full', 'no-verify'],
  },
  ...tlsParameters,
  ...refuse(inUrl, 'db', 'username', 'password', 'host', 'port', 'path', 'sentinels', 'name'),
  ...refuse(
    tlsByScheme,
    'tls',
    'ssl',
    'ssl_cert_reqs',
    'ssl_ca_certs',
    'ssl_certfile',
    'ssl_keyfile',
    'ssl_check_hostname',
  ),
  ...refuse(tlsByScheme, 'skip_verify', 'rejectUnauthorized', 'ssl_ca_path', 'ssl_ca_data'),
  ...refuse(fixed, 'connectTimeout', 'commandTimeout', 'socket_timeout', 'socket_connect_timeout', 'timeout'),
  ...refuse(
    fixed,
    'dial_timeout',
    'read_timeout',
    'write_timeout',
    'max_retries',
    'maxRetriesPerRequest',
    'pool_size',
  ),
  ...refuse(
    fixed,
    'max_connections',
    'lazyConnect',
    'enableOfflineQueue',
    'enableReadyCheck',
    'keepAlive',
    'protocol',
  ),
  ...refuse(
    'remove it; every key begins with tenant-registry:',
    'keyPrefix',
    'client_name',
    'connectionName',
  ),
};

const sentinelForm = /^redis-sentinel:\/\/(?:(.*)@)?([^@/?]+)(?:\/([^/?]+)(?:\/(\d+))?)?(\?[^?]*)?$/;

/** The URLs of the nodes, and what only a Sentinel’s URL has; undefined for a text that is no URL of Redis. */
function split(
  text: string,
): { kind: RedisTarget['kind']; urls: URL[]; name?: string; database?: string } | undefined {
  const sentinel = sentinelForm.exec(text);
  if (sentinel) {
    const [, userInfo, hosts = '', name = 'mymaster', database = '0', query = ''] = sentinel;
    const at = userInfo === undefined ? '' : `${userInfo}@`;
    const urls = parseNodes(
      hosts.split(',').map((host) => `redis://${at}${host}${query}`),
      /^$/,
    );
    return urls && { kind: 'sentinel', urls, name, database };
  }
  const nodes = text.split(',');
  // A Cluster has database 0 only, and TLS on all nodes or on none.
  const urls = parseNodes(nodes, nodes.length === 1 ? /^(\/\d*)?$/ : /^(\/0?)?$/);
  if (!urls || new Set(urls.map(({ protocol }) => protocol)).size > 1) return undefined;
  return { kind: nodes.length === 1 ? 'single' : 'cluster', urls };
}

function parseNodes(nodes: readonly string[], path: RegExp): URL[] | undefined {
  const urls = nodes.map(parseUrl);
  return urls.every((url) => url !== undefined && isNode(url, path)) ? (urls as URL[]) : undefined;
}

function isNode({ protocol, hostname, pathname, hash, username, password }: URL, path: RegExp): boolean {
  return (
    /^rediss?:$/.test(protocol) &&
    hostname !== '' &&
    path.test(pathname) &&
    hash === '' &&
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

/** What is wrong with the URL, one line each; undefined for a text that is no URL of Redis. */
export function findRedisUrlProblems(text: string): string[] | undefined {
  const parts = split(text);
  if (!parts) return undefined;
  const [first, ...others] = parts.urls as [URL, ...URL[]];
  const problems = findParameterProblems(first.searchParams, redisParameters);
  if (others.some(({ search }) => search !== first.search))
    problems.push('its parameters differ between the nodes of the Cluster: give every node the same');
  const credentials = ({ username, password }: URL) => `${username}:${password}`;
  if (others.some((url) => ![':', credentials(first)].includes(credentials(url))))
    problems.push(
      'its user or password differs between the nodes of the Cluster: give it with the first node only',
    );
  if (problems.length > 0) return problems;
  const { tls } = readRedisUrl(text);
  if (tls) return findTlsProblems(tls);
  return ['sslmode', ...Object.keys(tlsParameters)]
    .filter((name) => first.searchParams.has(name))
    .map((name) => `its parameter ${name} needs TLS: write rediss:// (TLS with Sentinels is not supported)`);
}

/** Where the URL leads. It has been read before, without a problem. */
export function readRedisUrl(text: string): RedisTarget {
  const parts = split(text);
  const [first] = parts?.urls ?? [];
  if (!parts || !first) throw new Error('REDIS_URL is not valid: expected redis://host:6379');
  const { kind, urls, name } = parts;
  const { username, password, protocol, searchParams, pathname } = first;
  const family = searchParams.get('family');
  return {
    kind,
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || (kind === 'sentinel' ? 26_379 : 6_379)),
    })),
    name,
    database: Number(parts.database ?? pathname.slice(1)),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    family: family === null ? undefined : Number(family),
    tls:
      protocol === 'rediss:'
        ? readTlsRules(
            searchParams,
            searchParams.get('sslmode') === 'no-verify' ? 'nothing' : 'certificate and host',
          )
        : undefined,
  };
}
