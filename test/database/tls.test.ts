import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelStatement } from '../../src/database/connections/cancel-statement.js';
import { DatabaseClient } from '../../src/database/connections/database-client.js';
import { openMigrationSession } from '../../src/database/migrations/migration-session.js';
import {
  type Authority,
  type Certificate,
  createAuthority,
  describeWithCertificates,
} from '../setup/certificates.js';
import { openPostgresServer, type PostgresServer } from '../setup/postgres-server.js';
import { until } from '../setup/until.js';

/** Roles by what the server asks of them. */
const rules = `
hostssl all certified 127.0.0.1/32 cert
hostssl all secure 127.0.0.1/32 scram-sha-256
hostssl all plain 127.0.0.1/32 password
host all postgres 127.0.0.1/32 scram-sha-256
`;

describeWithCertificates('a PostgreSQL with TLS', () => {
  let server: PostgresServer;
  let ours: Authority;
  let foreign: Authority;
  let certificates: Record<'right' | 'elsewhere' | 'expired' | 'revoked', Certificate>;
  /** Texts for the places of the URLs below. */
  let places: Record<string, string>;

  beforeAll(async () => {
    server = await openPostgresServer();
    ours = createAuthority();
    foreign = createAuthority();
    const names = 'DNS:localhost,IP:127.0.0.1';
    certificates = {
      right: ours.issue('server', { names }),
      elsewhere: ours.issue('server', { names: 'DNS:elsewhere.example' }),
      expired: ours.issue('server', { names, isExpired: true }),
      revoked: ours.issue('server', { names }),
    };
    const [client, locked] = [ours.issue('certified'), ours.issue('certified', { passphrase: 'ses ame' })];
    const [other, stranger] = [ours.issue('somebody'), foreign.issue('certified')];
    const pair = ({ certFile, keyFile }: Certificate) => `sslcert=${certFile}&sslkey=${keyFile}`;
    places = {
      CA: `sslrootcert=${ours.certFile}`,
      FOREIGN: `sslrootcert=${foreign.certFile}`,
      REVOKED: `sslcrl=${ours.revoke(certificates.revoked)}`,
      CLIENT: pair(client),
      LOCKED: pair(locked),
      OTHER: pair(other),
      STRANGER: pair(stranger),
    };
    for (const [name, { certFile, keyFile }] of Object.entries(certificates)) {
      await server.put(`${name}.crt`, await readFile(certFile));
      await server.put(`${name}.key`, await readFile(keyFile));
    }
    await server.put('ca.crt', await readFile(ours.certFile));
    await server.put('pg_hba.conf', rules);
    await server.query(
      `CREATE ROLE certified LOGIN; CREATE ROLE secure LOGIN PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'`,
    );
    await server.query(`ALTER SYSTEM SET ssl_ca_file = 'ca.crt'`);
  });
  afterAll(async () => {
    await server?.close();
    ours?.[Symbol.dispose]();
    foreign?.[Symbol.dispose]();
  });

  /** A new session sees what the server has read again. */
  async function present(certificate: string | undefined): Promise<void> {
    for (const [name, value] of Object.entries(
      certificate === undefined
        ? { ssl: 'off' }
        : { ssl: 'on', ssl_cert_file: `${certificate}.crt`, ssl_key_file: `${certificate}.key` },
    ))
      await server.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await server.query('SELECT pg_reload_conf()');
    const shown = `SELECT current_setting('ssl') AS ssl, current_setting('ssl_cert_file') AS cert`;
    await until(async () => {
      const [row] = await server.query<{ ssl: string; cert: string }>(shown);
      return certificate === undefined
        ? row?.ssl === 'off'
        : row?.ssl === 'on' && row.cert === `${certificate}.crt`;
    });
  }

  function urlOf(role: string, query: string, host = 'localhost'): string {
    const url = new URL(server.url());
    url.hostname = host;
    if (role !== 'postgres') url.username = role;
    if (role !== 'postgres') url.password = role === 'certified' ? '' : 'sesame';
    const given = Object.entries(places).reduce((text, [name, value]) => text.replace(name, value), query);
    url.search = given;
    return url.href;
  }

  /** How the session is encrypted, or the line about why there is none. */
  async function open(role: string, query: string, host?: string): Promise<string> {
    try {
      const session = await openMigrationSession(urlOf(role, query, host));
      const { rows } = await session
        .query<{ ssl: boolean; subject: string | null }>(
          'SELECT ssl, client_dn AS subject FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
        )
        .finally(() => session.end());
      return rows[0]?.ssl ? `TLS ${rows[0].subject ?? ''}`.trim() : 'plain';
    } catch (error) {
      return (error as Error).message;
    }
  }

  const wayOut = {
    authority:
      /^Cannot connect .+(in certificate chain|unable to .+): add sslrootcert=<path .+> to DATABASE_URL$/,
    host: /^Cannot connect .+: write a host in DATABASE_URL that the server’s certificate names$/,
    expired:
      /^Cannot connect .+ expired: renew the server’s certificate, and check the clock of this machine$/,
    client: /^Cannot connect .+ add sslcert=<path> and sslkey=<path> .*to DATABASE_URL/,
    tls: /^Cannot connect .+ add sslmode=verify-full to DATABASE_URL, because the server may require TLS/,
    noTls: /^Cannot connect .+: set sslmode=disable in DATABASE_URL, or let an administrator turn ssl on$/,
    binding: /^Cannot connect .+ does not offer SCRAM-SHA-256-PLUS, which channel_binding=require asks for/,
  };
  const isTls = /^TLS$/;

  test.each<
    [certificate: keyof typeof certificates | undefined, role: string, query: string, expected: RegExp]
  >([
    ['right', 'secure', 'sslmode=verify-full&CA', isTls],
    ['right', 'secure', 'sslmode=require&CA', isTls],
    ['right', 'secure', 'ssl=true&CA', isTls],
    ['right', 'secure', 'sslmode=verify-full&CA&ssl_min_protocol_version=TLSv1.3', isTls],
    ['right', 'secure', 'sslmode=verify-full&CA&sslnegotiation=direct', isTls],
    ['right', 'secure', 'sslmode=verify-full&CA&channel_binding=require', isTls],
    ['right', 'secure', 'sslmode=verify-full&CA&REVOKED', isTls],
    ['right', 'postgres', 'sslmode=disable', /^plain$/],
    ['right', 'secure', 'sslmode=verify-full', wayOut.authority],
    ['right', 'secure', 'sslmode=require', wayOut.authority],
    ['right', 'secure', 'sslmode=verify-full&FOREIGN', wayOut.authority],
    ['right', 'secure', 'sslmode=no-verify', isTls],
    ['right', 'secure', '', wayOut.tls],
    ['right', 'secure', 'sslmode=disable', wayOut.tls],
    ['right', 'plain', 'sslmode=verify-full&CA&channel_binding=prefer', isTls],
    ['right', 'plain', 'sslmode=verify-full&CA&channel_binding=require', wayOut.binding],
    ['right', 'certified', 'sslmode=verify-full&CA&CLIENT', /^TLS \/CN=certified$/],
    ['right', 'certified', 'sslmode=verify-full&CA&LOCKED&sslpassword=ses%20ame', /^TLS \/CN=certified$/],
    ['right', 'certified', 'sslmode=verify-full&CA', wayOut.client],
    ['right', 'certified', 'sslmode=verify-full&CA&OTHER', wayOut.client],
    ['right', 'certified', 'sslmode=verify-full&CA&STRANGER', wayOut.client],
    ['elsewhere', 'secure', 'sslmode=verify-full&CA', wayOut.host],
    ['elsewhere', 'secure', 'sslmode=verify-ca&CA', isTls],
    ['elsewhere', 'secure', 'sslmode=verify-ca', wayOut.authority],
    ['expired', 'secure', 'sslmode=verify-full&CA', wayOut.expired],
    ['expired', 'secure', 'sslmode=verify-ca&CA', wayOut.expired],
    ['expired', 'secure', 'sslmode=no-verify', isTls],
    ['revoked', 'secure', 'sslmode=verify-full&CA', isTls],
    ['revoked', 'secure', 'sslmode=verify-full&CA&REVOKED', /revoked: renew the server’s certificate/],
    [undefined, 'postgres', 'sslmode=verify-full&CA', wayOut.noTls],
  ])('with a certificate that is %s, for %s: ?%s', async (certificate, role, query, expected) => {
    await present(certificate);
    const found = await open(role, query);
    expect(found).toMatch(expected);
    expect(found).not.toMatch(/\n|sesame/);
    if (isTls.source === expected.source) expect(await open(role, query, '127.0.0.1')).toMatch(expected);
  });

  test.each(['', '&sslnegotiation=direct'])('cancels a statement through TLS: %j', async (more) => {
    await present('right');
    const url = urlOf('secure', `sslmode=verify-full&CA${more}`);
    const client = new DatabaseClient({ connectionString: url });
    await client.connect();
    const running = client.query('SELECT pg_sleep(60)');
    const failed = expect(running).rejects.toMatchObject({ code: '57014' });
    const sleeps = `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    await until(async () => (await server.query(sleeps)).length > 0);
    await cancelStatement(client, url);
    await failed;
    await client.end();
  });
});
