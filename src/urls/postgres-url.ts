/** URLs of PostgreSQL: what every setting with such a URL accepts, and where it leads. */
import { parseUrl } from './parse-url.js';
import { findTlsProblems, readTlsRules, type TlsRules, tlsParameters } from './tls-rules.js';
import { findParameterProblems, refuse, type UrlParameters } from './url-parameters.js';

/** Where a URL leads. What is undefined, the environment of the driver or its defaults give. */
export interface PostgresTarget {
  /** A host name, an address, or the folder of a Unix socket. */
  host: string | undefined;
  port: number | undefined;
  database: string;
  user: string | undefined;
  password: string | undefined;
  /** `default`: the URL says nothing. */
  tls: TlsRules | 'none' | 'default';
  startsWithTls: boolean;
  channelBinding: 'disable' | 'prefer' | 'require';
  applicationName: string | undefined;
  options: string | undefined;
}

const verifiesByMode = {
  'verify-full': 'certificate and host',
  require: 'certificate and host',
  'verify-ca': 'certificate',
  'no-verify': 'nothing',
} as const satisfies Record<string, TlsRules['verifies']>;

const pooled = 'remove it; the sizes of the pools are fixed (docs/operations.md has the numbers)';
const timed = 'remove it; every wait of the product has a time limit of its own';
const session = 'remove it; every session sets it itself';
const oneHost = 'name one host that leads to the primary server';
const mode = 'use sslmode=verify-full, or sslmode=no-verify for a server whose certificate nobody can check';
const kerberos = 'remove it; the product logs in with a password or a client certificate';

/** Parameters of pg, libpq (to PostgreSQL 18) and Prisma. */
export const postgresParameters: UrlParameters = {
  host: {
    effect:
      'Host instead of the one in the URL, or the folder of a Unix socket, such as /var/run/postgresql.',
    accepts: /^[^,@][^,]*$/,
    expected: 'one host, or the folder of a Unix socket',
  },
  port: {
    effect: 'Port instead of the one in the URL.',
    accepts: /^[1-9]\d{0,4}$/,
    expected: 'a port number',
  },
  user: { effect: 'Role instead of the one in the URL.' },
  password: { effect: 'Password instead of the one in the URL.' },
  dbname: { effect: 'Database instead of the one in the URL.' },
  sslmode: {
    effect:
      '`verify-full`: TLS to a server whose certificate is valid, for this host, and from an authority in `sslrootcert`. `require` is the same. ' +
      '`verify-ca`: without the host. `no-verify`: any certificate. `disable`: no TLS. Without it, PGSSLMODE decides, else there is no TLS. It has no effect on a Unix socket.',
    values: ['disable', ...Object.keys(verifiesByMode)],
  },
  ssl: {
    effect:
      '`true` or `1` is sslmode=verify-full, `no-verify` is sslmode=no-verify, `false` or `0` is sslmode=disable.',
    values: ['true', '1', 'no-verify', 'false', '0'],
  },
  ...tlsParameters,
  sslnegotiation: {
    effect: '`direct` (PostgreSQL 17) begins with TLS instead of asking for it.',
    values: ['postgres', 'direct'],
  },
  channel_binding: {
    effect:
      '`require` logs in only to a server that proves to be the end of the TLS connection (SCRAM-SHA-256-PLUS); `prefer` does so where the server can.',
    values: ['disable', 'prefer', 'require'],
  },
  application_name: { effect: 'Name of the connections in pg_stat_activity.' },
  options: {
    effect:
      'Options for the server at the start of a connection, such as endpoint=… of a hosted service. Settings that a session sets itself are not changed by it.',
  },
  client_encoding: {
    effect: 'No other than UTF8, which the product uses.',
    accepts: /^utf-?8$/i,
    expected: 'UTF8',
  },
  schema: {
    effect: 'No other than public: the registry’s tables are there, and tenants have schemas of their own.',
    values: ['public'],
  },
  pgbouncer: {
    effect:
      'No effect: a pooler is recognised, and `DATABASE_DIRECT_URL` or `<MODULE>_DB_DIRECT_URL` connects without it.',
    values: ['true', 'false'],
  },
  connection_limit: { instead: pooled },
  ...refuse(pooled, 'max', 'min', 'maxUses', 'pool_timeout', 'allowExitOnIdle'),
  ...refuse(pooled, 'max_connection_lifetime', 'max_idle_connection_lifetime', 'maxLifetimeSeconds'),
  ...refuse(timed, 'connect_timeout', 'socket_timeout', 'tcp_user_timeout', 'query_timeout'),
  ...refuse(timed, 'connectionTimeoutMillis', 'idleTimeoutMillis'),
  ...refuse(session, 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'),
  ...refuse(session, 'statement_cache_size', 'binary', 'encoding', 'replication'),
  ...refuse('remove it; TCP keepalive is always on', 'keepalives', 'keepalives_idle', 'keepalives_interval'),
  ...refuse(
    'remove it; TCP keepalive is always on',
    'keepalives_count',
    'keepAlive',
    'keepAliveInitialDelayMillis',
  ),
  ...refuse(`remove it, and ${oneHost}`, 'hostaddr', 'target_session_attrs', 'load_balance_hosts'),
  ...refuse(mode, 'sslaccept', 'requiressl', 'uselibpqcompat', 'sslsni'),
  ...refuse('use sslcert and sslkey with PEM files', 'sslidentity', 'sslcertmode'),
  ...refuse('use sslcrl with one PEM file', 'sslcrldir'),
  ...refuse(
    'remove it; traffic is never compressed, and keys are never written to a file',
    'sslcompression',
    'sslkeylogfile',
  ),
  ...refuse(
    'use channel_binding=require, or a rule in the server’s pg_hba.conf',
    'require_auth',
    'requirepeer',
  ),
  enableChannelBinding: { instead: 'use channel_binding' },
  ...refuse('use application_name', 'fallback_application_name'),
  ...refuse('use dbname, or the path of the URL', 'database', 'db'),
  ...refuse('write host, database, user and password in the URL', 'service', 'servicefile', 'passfile'),
  ...refuse('remove it; the protocol’s version is 3.0', 'min_protocol_version', 'max_protocol_version'),
  ...refuse('write the password in the URL', 'scram_client_key', 'scram_server_key'),
  ...refuse(kerberos, 'gssencmode', 'krbsrvname', 'gsslib', 'gssdelegation'),
  ...refuse(kerberos, 'oauth_issuer', 'oauth_client_id', 'oauth_client_secret', 'oauth_scope'),
};

/** Stands for the host of a URL that has none, which `URL` does not accept after a user. */
const noHost = 'no-host.invalid';

/** The parts of the URL; undefined for a text that is no URL of PostgreSQL. */
function parsePostgresUrl(text: string): URL | undefined {
  const url = parseUrl(text.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#@]*@)?)(?=[/?]|:\d|$)/, `$1${noHost}`));
  return /^postgres(ql)?:\/\//.test(text) ? url : undefined;
}

/** What is wrong with the URL, one line each; undefined for a text that is no URL of a PostgreSQL database. */
export function findPostgresUrlProblems(text: string): string[] | undefined {
  const url = parsePostgresUrl(text);
  if (!url)
    return /^postgres(ql)?:\/\/[^/?#]*,/.test(text) ? [`it names several hosts: ${oneHost}`] : undefined;
  const problems = findParameterProblems(url.searchParams, postgresParameters);
  if (url.hash) problems.push('it has a #: write %23 where that belongs to a name or a password');
  if (problems.length > 0) return problems;
  const target = readTarget(url);
  if (!target || ![target.database, target.user ?? ''].every(fits)) return undefined;
  return [
    ...(url.hostname.includes(',') ? [`it names several hosts: ${oneHost}`] : []),
    ...(url.searchParams.has('ssl') && url.searchParams.has('sslmode')
      ? ['its parameters ssl and sslmode say the same: give sslmode alone']
      : []),
    ...(typeof target.tls === 'object' ? findTlsProblems(target.tls) : findUselessParameters(url, target)),
  ];
}

/** PostgreSQL cuts a longer name of a database or role to 63 bytes, and connects to the one that has the rest as its name. */
function fits(name: string): boolean {
  return Buffer.byteLength(name) <= 63;
}

function findUselessParameters({ searchParams }: URL, { host }: Pick<PostgresTarget, 'host'>): string[] {
  // On a Unix socket they have no effect.
  if (host?.startsWith('/')) return [];
  const useless = [...Object.keys(tlsParameters), 'sslnegotiation'].filter((name) => searchParams.has(name));
  if (searchParams.get('channel_binding') === 'require') useless.push('channel_binding');
  return useless.map((name) => `its parameter ${name} needs TLS: add sslmode=verify-full`);
}

/** Where the URL leads. It has been read before, without a problem. */
export function readPostgresUrl(text: string): PostgresTarget {
  const url = parsePostgresUrl(text);
  const target = url && readTarget(url);
  if (!target)
    throw new Error('The database URL is not valid: expected postgres://user:password@host:5432/database');
  return target;
}

function readTarget(url: URL): PostgresTarget | undefined {
  const { searchParams: params } = url;
  const text = (name: string, otherwise = '') =>
    params.get(name) || decodeURIComponent(otherwise) || undefined;
  try {
    const host = readHost(params, url.hostname);
    const database = text('dbname', url.pathname.slice(1));
    if (database === undefined) return undefined;
    return {
      host,
      port: Number(params.get('port') || url.port) || undefined,
      database,
      user: text('user', url.username),
      password: text('password', url.password),
      tls: host?.startsWith('/') ? 'none' : readTls(params),
      startsWithTls: params.get('sslnegotiation') === 'direct',
      // The table has checked the value.
      channelBinding: (params.get('channel_binding') ?? 'disable') as PostgresTarget['channelBinding'],
      applicationName: text('application_name'),
      options: text('options'),
    };
  } catch {
    // A wrong %-sequence.
    return undefined;
  }
}

function readHost(params: URLSearchParams, hostname: string): string | undefined {
  const host = params.get('host') || (hostname === noHost ? '' : decodeURIComponent(hostname));
  return host.replace(/^\[(.*)\]$/, '$1') || undefined;
}

function readTls(params: URLSearchParams): PostgresTarget['tls'] {
  const ssl = params.get('ssl');
  const given =
    params.get('sslmode') ??
    (ssl === null
      ? undefined
      : /^(false|0)$/.test(ssl)
        ? 'disable'
        : ssl === 'no-verify'
          ? ssl
          : 'verify-full');
  if (given === undefined) return 'default';
  if (!Object.hasOwn(verifiesByMode, given)) return 'none';
  return readTlsRules(params, verifiesByMode[given as keyof typeof verifiesByMode]);
}

/** Host and port for people: "db.internal:5432", "[::1]:5432", "/var/run/postgresql/.s.PGSQL.5432". */
export function describeServer({
  host = 'localhost',
  port = 5432,
}: Pick<PostgresTarget, 'host' | 'port'>): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The URL of another database on the same server. */
export function withDatabase(text: string, database: string): string {
  const url = parsePostgresUrl(text);
  if (!url) throw new Error('The database URL is not valid');
  url.searchParams.delete('dbname');
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href.replace(noHost, '');
}

/** libpq's mode require verifies nothing. */
const libpqModes = {
  'certificate and host': 'verify-full',
  certificate: 'verify-ca',
  nothing: 'require',
} as const satisfies Record<TlsRules['verifies'], string>;

const libpqParameters = [
  ...[
    'sslmode',
    'sslrootcert',
    'sslcert',
    'sslkey',
    'sslcrl',
    'ssl_min_protocol_version',
    'ssl_max_protocol_version',
  ],
  ...['sslnegotiation', 'channel_binding', 'application_name'],
];

/** The same place in libpq’s form, without passwords, with these options for the server. */
export function libpqUrl(text: string, options: string | undefined): string {
  const { host, port, user, database, tls } = readPostgresUrl(text);
  const params = new Map<string, string | undefined>([
    ['host', host],
    ['port', port === undefined ? undefined : String(port)],
    ['user', user],
    ['options', options],
  ]);
  const given = parsePostgresUrl(text)?.searchParams;
  for (const name of libpqParameters) params.set(name, given?.get(name) ?? undefined);
  if (given?.has('ssl')) params.set('sslmode', 'disable');
  if (typeof tls === 'object') params.set('sslmode', libpqModes[tls.verifies]);
  const query = [...params].flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `postgresql:///${encodeURIComponent(database)}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}
