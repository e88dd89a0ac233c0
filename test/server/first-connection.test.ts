import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { openPostgresServer, type PostgresServer } from '../setup/postgres-server.js';
import { until } from '../setup/until.js';

/** What a new user gets wrong: each is one line that names the way out, and nothing is made. */

const rules = `
hostssl all tls_only all scram-sha-256
hostnossl all tls_only all reject
local all all trust
host all all all scram-sha-256
`;

let server: PostgresServer;
let web: ReturnType<typeof createServer>;
beforeAll(async () => {
  server = await openPostgresServer();
  await server.query(`CREATE ROLE someone LOGIN PASSWORD 'sesame'; CREATE ROLE tls_only LOGIN PASSWORD 'sesame';
    CREATE ROLE "No Login" PASSWORD 'sesame'; CREATE ROLE crowded LOGIN PASSWORD 'sesame' CONNECTION LIMIT 0`);
  await server.query('CREATE DATABASE registry');
  await server.query('CREATE DATABASE closed ALLOW_CONNECTIONS false');
  await server.query('CREATE DATABASE locked');
  await server.query('REVOKE CONNECT ON DATABASE locked FROM PUBLIC');
  await server.put('pg_hba.conf', rules);
  await server.query('SELECT pg_reload_conf()');
  web = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await until(() => web.listening);
});
afterAll(async () => {
  web?.close();
  await server?.close();
});

/** The URL for PLACE:PORT of a case. */
function urlOf(text: string): string {
  const { port } = web.address() as AddressInfo;
  return `postgres://${text.replace('SERVER', `127.0.0.1:${server.port}`).replace('WEB', `127.0.0.1:${port}`)}`;
}

/** Opens the product as `serve` does; the message of its failure, or what it logs when it opens. */
async function start(env: Record<string, string>): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line).msg) });
  try {
    const app = await openApp(readConfig(env), log, { exclusive: true });
    await until(() => lines.length > 0).finally(() => app.close());
    return lines;
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

describe('a new user', () => {
  test.each([
    [
      'with a wrong password',
      'someone:wrong@SERVER/registry',
      /as someone: password authentication failed .+: correct the role and the password in DATABASE_URL \(.+\), or as an administrator ALTER ROLE "someone" LOGIN PASSWORD '…'$/,
    ],
    [
      'with a role that does not exist',
      'nobody:sesame@SERVER/registry',
      /as nobody: .+: correct the role and the password in DATABASE_URL .+ ALTER ROLE "nobody"/,
    ],
    [
      'with a role that may not log in',
      'No%20Login:sesame@SERVER/registry',
      /as No Login: .+: correct the role in DATABASE_URL, or as an administrator .+ "No Login" LOGIN/,
    ],
    [
      'with a database that does not exist',
      'someone:sesame@SERVER/regis%20try',
      /database "regis try" does not exist: correct the database in DATABASE_URL, or as an administrator CREATE DATABASE "regis try" OWNER "someone"$/,
    ],
    [
      'with a database that the role may not connect to',
      'someone:sesame@SERVER/locked',
      /permission denied .+: as an administrator GRANT CONNECT ON DATABASE "locked" TO "someone"$/,
    ],
    [
      'with a database that accepts no connections',
      'someone:sesame@SERVER/closed',
      /not currently accepting connections: wait until the server accepts connections/,
    ],
    [
      'with a role without rights',
      'someone:sesame@SERVER/registry',
      /^DATABASE_URL: Role someone may not create tables in schema public of database registry: GRANT USAGE, CREATE ON SCHEMA public TO "someone"$/,
    ],
    [
      'with a role without a free connection',
      'crowded:sesame@SERVER/registry',
      /too many connections for role "crowded": end other connections, or .+ ALTER ROLE "crowded" CONNECTION LIMIT/,
    ],
    [
      'with a wrong host',
      'someone:sesame@nowhere.invalid/registry',
      /at nowhere\.invalid:5432 as someone: .+: correct the host in DATABASE_URL, which has no address$/,
    ],
    [
      'with a wrong port',
      'someone:sesame@127.0.0.1:1/registry',
      /ECONNREFUSED 127\.0\.0\.1:1: start the server, or correct the host and the port in DATABASE_URL$/,
    ],
    [
      'with the port of another program',
      'someone:sesame@WEB/registry',
      /: check that the host and the port in DATABASE_URL lead to PostgreSQL$/,
    ],
    [
      'with a socket that is not there',
      'someone:sesame@/registry?host=/nowhere',
      /at \/nowhere\/\.s\.PGSQL\.5432 as someone: .+ENOENT.+: correct the folder of the socket/,
    ],
    [
      'where the server requires TLS',
      'tls_only:sesame@SERVER/registry',
      /: add sslmode=verify-full to DATABASE_URL, because the server may require TLS/,
    ],
    [
      'where the server has no TLS',
      'someone:sesame@SERVER/registry?sslmode=require',
      /: set sslmode=disable in DATABASE_URL, or let an administrator turn ssl on$/,
    ],
  ])('%s', async (_, place, expected) => {
    const [line, ...others] = await start({ DATABASE_URL: urlOf(place) });
    expect(line).toMatch(expected);
    expect(others).toEqual([]);
    expect(line).not.toMatch(/sesame|wrong|prisma|\bat .+\.(js|ts):\d/i);
  });

  test('whose direct URL is wrong: the line names its variable', async () => {
    const [line, ...others] = await start({
      DATABASE_URL: urlOf('someone:sesame@SERVER/registry'),
      DATABASE_DIRECT_URL: 'postgres://someone:sesame@127.0.0.1:1/registry',
    });
    expect(line).toMatch(/: start the server, or correct the host and the port in DATABASE_DIRECT_URL$/);
    expect(others).toEqual([]);
  });

  test('with problems of both URLs: one list', async () => {
    const url = urlOf('someone:sesame@SERVER/registry');
    const lines = await start({
      DATABASE_URL: 'postgres://someone:sesame@127.0.0.1:1/registry',
      DATABASE_DIRECT_URL: url,
    });
    expect(lines).toEqual([
      expect.stringMatching(/^DATABASE_DIRECT_URL: Role someone may not create tables .+: GRANT /),
      expect.stringMatching(/^Cannot connect .+ correct the host and the port in DATABASE_URL$/),
    ]);
  });

  test('without Redis: it serves, and one line in the log names the way out', async () => {
    const lines = await start({ DATABASE_URL: server.url('registry'), REDIS_URL: 'redis://127.0.0.1:1' });
    expect(lines).toContain(
      'Cannot use Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1: start the server, or correct the host and the port in REDIS_URL, or unset REDIS_URL. Until then each gateway caches for itself',
    );
    expect(lines.filter((line) => line.startsWith('Cannot use Redis'))).toHaveLength(1);
  });
});
