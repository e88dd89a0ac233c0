import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../src/cache/redis-connection.js';
import {
  type Authority,
  type Certificate,
  createAuthority,
  describeWithCertificates,
} from '../setup/certificates.js';
import { findFreePort } from '../setup/free-port.js';
import { aFolder } from '../setup/process.js';
import { openRedisCluster, openRedisServer, type RedisServer } from '../setup/redis.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';

/** Opens the connection; "ready", or the line in the log about why there is none. */
async function open(url: string): Promise<string> {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const connection = openRedis(url, log);
  onTestFinished(() => connection.disconnect());
  let found: string | undefined;
  connection.on('ready', () => {
    found ??= 'ready';
  });
  await until(() => found !== undefined || lines.length > 0);
  // A connection that fails again and again says it once.
  expect(lines.length).toBeLessThanOrEqual(1);
  return found ?? lines[0]?.msg ?? '';
}

/** Without a port to listen on, a redis-server with TLS complains about that, and one without TLS about the option. */
const speaksTls = /not listen anywhere/.test(
  spawnSync('redis-server', ['--port', '0', '--tls-port', '0'], { encoding: 'utf8' }).stdout ?? '',
);
if (!speaksTls) {
  const advice = 'redis-server has no TLS: install one with TLS (apt-get install redis-server)';
  if (process.env.CI === 'true') throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; what needs TLS to Redis is SKIPPED\n\n`);
}

describeWithRedis('a Redis', () => {
  const describeWithTls = speaksTls ? describeWithCertificates : describe.skip;
  describeWithTls('with TLS', () => {
    let server: RedisServer;
    let tlsPort: number;
    let ours: Authority;
    let foreign: Authority;
    let certificates: Record<'right' | 'elsewhere' | 'expired', Certificate>;
    let places: Record<string, string>;

    beforeAll(async () => {
      ours = createAuthority();
      foreign = createAuthority();
      const names = 'DNS:localhost,IP:127.0.0.1';
      certificates = {
        right: ours.issue('redis', { names }),
        elsewhere: ours.issue('redis', { names: 'DNS:elsewhere.example' }),
        expired: ours.issue('redis', { names, isExpired: true }),
      };
      const [client, stranger] = [ours.issue('gateway'), foreign.issue('gateway')];
      places = {
        CA: `sslrootcert=${ours.certFile}`,
        CLIENT: `sslcert=${client.certFile}&sslkey=${client.keyFile}`,
        STRANGER: `sslcert=${stranger.certFile}&sslkey=${stranger.keyFile}`,
      };
      tlsPort = await findFreePort();
      const { certFile, keyFile } = certificates.right;
      const files = [
        '--tls-cert-file',
        certFile,
        '--tls-key-file',
        keyFile,
        '--tls-ca-cert-file',
        ours.certFile,
      ];
      server = await openRedisServer({ args: ['--tls-port', String(tlsPort), ...files] });
    });
    afterAll(async () => {
      await server?.close();
      ours?.[Symbol.dispose]();
      foreign?.[Symbol.dispose]();
    });

    const wayOut = {
      authority:
        /^Cannot use Redis at .+: add sslrootcert=<path .+> to REDIS_URL, or unset REDIS_URL\. Until then/,
      host: /^Cannot use Redis at .+: write a host in REDIS_URL that the server’s certificate names, or unset/,
      expired: /^Cannot use Redis at .+ expired: renew the server’s certificate, and check the clock/,
      client: /^Cannot use Redis at .+ client certificate.+sslcert.+sslkey/,
    };

    test.each<[keyof typeof certificates, asks: 'no' | 'yes', query: string, expected: RegExp]>([
      ['right', 'no', '?CA', /^ready$/],
      ['right', 'no', '?sslmode=verify-full&CA&family=0', /^ready$/],
      ['right', 'no', '?sslmode=no-verify', /^ready$/],
      ['right', 'no', '', wayOut.authority],
      ['elsewhere', 'no', '?CA', wayOut.host],
      ['elsewhere', 'no', '?sslmode=no-verify', /^ready$/],
      ['expired', 'no', '?CA', wayOut.expired],
      ['right', 'yes', '?CA&CLIENT', /^ready$/],
      // The server may close the connection before its reason has arrived.
      ['right', 'yes', '?CA', wayOut.client],
      ['right', 'yes', '?CA&STRANGER', wayOut.client],
    ])(
      'and a certificate that is %s, asking for one of the client: %s, at rediss://…%s',
      async (certificate, asks, query, expected) => {
        const { certFile, keyFile } = certificates[certificate];
        await server.command(
          'CONFIG',
          'SET',
          'tls-cert-file',
          certFile,
          'tls-key-file',
          keyFile,
          'tls-auth-clients',
          asks,
        );
        const given = Object.entries(places).reduce(
          (text, [name, value]) => text.replace(name, value),
          query,
        );
        const found = await open(`rediss://localhost:${tlsPort}${given}`);
        expect(found).toMatch(expected);
        expect(found).not.toContain('\n');
      },
    );

    test('takes a renewed client certificate and a renewed authority for its next connection', async () => {
      const [client, stranger] = [ours.issue('gateway'), foreign.issue('gateway')];
      const folder = await aFolder();
      const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => join(folder, `${name}.pem`)) as [
        ...[string, string, string],
      ];
      const put = (authority: Authority, { certFile, keyFile }: Certificate) => {
        copyFileSync(authority.certFile, ca);
        copyFileSync(certFile, cert);
        copyFileSync(keyFile, key);
      };
      put(ours, client);
      const { certFile, keyFile } = certificates.right;
      const files = ['tls-cert-file', certFile, 'tls-key-file', keyFile];
      await server.command('CONFIG', 'SET', ...files, 'tls-auth-clients', 'yes');
      const url = `rediss://localhost:${tlsPort}?sslrootcert=${ca}&sslcert=${cert}&sslkey=${key}`;
      const connection = openRedis(url, pino({ level: 'silent' }));
      onTestFinished(() => connection.disconnect());
      const failures: string[] = [];
      let readies = 0;
      connection.on('ready', () => readies++);
      connection.on('error', ({ message }: Error) => failures.push(message));
      await until(() => readies === 1);
      expect(failures).toEqual([]);

      /** Ends the connection, and waits until the next one is ready or is refused. */
      const again = async (count: number) => {
        const known = failures.length;
        await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await until(() => readies === count || failures.length > known + 1);
        return readies === count;
      };
      put(foreign, stranger);
      expect(await again(2)).toBe(false);
      put(ours, client);
      await until(() => readies === 2);
      const renewed = ours.issue('renewed');
      put(ours, renewed);
      expect(await again(3)).toBe(true);
      // Somebody has replaced the certificate, and the key not yet.
      copyFileSync(ours.issue('next').certFile, cert);
      expect(await again(4)).toBe(true);
      copyFileSync(cert, ca);
      copyFileSync(key, cert);
      expect(await again(5)).toBe(true);
    });

    test('in a Cluster is asked at the names that the nodes go by', async () => {
      const names = [
        '--cluster-announce-hostname',
        'localhost',
        '--cluster-preferred-endpoint-type',
        'hostname',
      ];
      await using cluster = await openRedisCluster({
        tls: { ...ours.issue('node', { names: 'DNS:localhost' }), caFile: ours.certFile },
        args: ['--tls-cluster', 'yes', ...names],
      });
      const nodes = cluster.url.replaceAll('127.0.0.1', 'localhost').split(',');
      expect(await open(nodes.map((node) => `${node}?${places.CA}`).join())).toBe('ready');
      expect(await open(nodes.join())).toMatch(wayOut.authority);

      const ca = join(await aFolder(), 'ca.pem');
      copyFileSync(foreign.certFile, ca);
      const said: string[] = [];
      const log = pino({ level: 'warn' }, { write: (line) => void said.push(line) });
      const connection = openRedis(nodes.map((node) => `${node}?sslrootcert=${ca}`).join(), log);
      onTestFinished(() => connection.disconnect());
      await until(() => said.length > 0);
      copyFileSync(ours.certFile, ca);
      await until(() => connection.status === 'ready');
    });
  });

  test.each([
    [
      'that is not there',
      'redis://127.0.0.1:1',
      /^Cannot use Redis at 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1: start the server, or correct the host and the port in REDIS_URL, or unset REDIS_URL\. Until then each gateway caches for itself$/,
    ],
    [
      'without an address',
      'redis://nowhere.invalid',
      /^Cannot use Redis at nowhere\.invalid:6379: .+: correct the host in REDIS_URL, which has no address, or unset/,
    ],
    [
      'Cluster that is not there',
      'redis://127.0.0.1:1,redis://127.0.0.1:2',
      /^Cannot use Redis at 127\.0\.0\.1:1, 127\.0\.0\.1:2: .+: start the server, or correct/,
    ],
    [
      'Sentinel that is not there',
      'redis-sentinel://127.0.0.1:1/primary',
      /^Cannot use Redis at 127\.0\.0\.1:1: .+: start the server, or correct/,
    ],
  ])('%s: one line in the log names the way out', async (_, url, expected) => {
    expect(await open(url)).toMatch(expected);
  });
});
