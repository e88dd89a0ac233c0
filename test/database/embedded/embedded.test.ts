import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { EmbeddedInUseError } from '../../../src/database/embedded/embedded.js';
import { aStartedDataDir } from '../../setup/process.js';
import {
  aDataDir,
  anOwner,
  anotherProcess,
  exists,
  insertSql,
  isRunning,
  logged,
  open,
  postmasterPid,
  query,
  readRows,
  storedRows,
  storeRow,
  undo,
} from '../support/embedded-story.js';

/** A free port for this test. The default port may be in use by another test or by a gateway of the developer. */
async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('the embedded PostgreSQL', () => {
  test('starts in an empty folder, serves databases, keeps them, and stops when it is closed', async () => {
    const dataDir = await aDataDir();
    const first = await open(dataDir);
    expect(first.freshlyCreated).toBe(true);
    const pid = await postmasterPid(dataDir);
    await storeRow(first);
    await first.close();
    await first.close();
    await expect.poll(() => isRunning(pid)).toBe(false);

    const second = await open(dataDir);
    expect(second.freshlyCreated).toBe(false);
    expect(await readRows(second)).toEqual(storedRows);
    const [settings] = await query(
      second,
      `select current_setting('max_connections') as connections, current_setting('listen_addresses') as addresses,
         datlocprovider::text as provider, datlocale as locale
       from pg_database where datname = current_database()`,
    );
    expect(settings).toEqual({
      connections: '1000',
      addresses: '127.0.0.1',
      provider: 'b',
      locale: 'C.UTF-8',
    });
  });

  test('a database that is requested many times at once is created once', async () => {
    const dataDir = await aStartedDataDir();
    const embedded = await open(dataDir);
    const guest = await open(dataDir, { exclusive: false });
    const urls = await Promise.all(
      [embedded, guest, embedded, guest].map((each) => each.databaseUrl('Odd "name"')),
    );
    expect(new Set(urls).size).toBe(1);
    const client = new pg.Client({ connectionString: urls[0] });
    await client.connect();
    expect((await client.query('select current_database() as name')).rows).toEqual([{ name: 'Odd "name"' }]);
    await client.end();
  });

  test('its password is in pgpass only, which only the owner may read', async () => {
    const dataDir = await aDataDir();
    const embedded = await open(dataDir);
    const passwordFile = join(dataDir, 'pgpass');
    const password = (await readFile(passwordFile, 'utf8')).trim().split(':')[4] ?? '';
    expect(password).toMatch(/^[\w-]{32}$/);
    expect((await stat(passwordFile)).mode & 0o777).toBe(0o600);
    expect(await embedded.databaseUrl('finance')).toContain(password);
    expect(embedded.psqlCommand('finance')).toBe(
      `PGPASSFILE=${passwordFile} psql -h 127.0.0.1 -p ${embedded.port} -U postgres finance`,
    );
    expect(logged.join()).not.toContain(password);
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toContain(password);
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
    expect(stdout).not.toContain(password);
    expect(await readdir(dataDir)).toEqual(['pgpass', 'postgres', 'postgres.log', 'postgres.port']);
  });

  test('chooses another port when the preferred one is in use', async () => {
    const preferredPort = await aFreePort();
    const other = createServer().listen(preferredPort, '127.0.0.1');
    await once(other, 'listening');
    undo.push(() => other.close());
    const embedded = await open(await aStartedDataDir(), { preferredPort });
    expect(embedded.port).not.toBe(preferredPort);
    expect(await query(embedded, 'select inet_server_port() as port')).toEqual([{ port: embedded.port }]);
  });

  test('a second owner is refused with the pid of the first one, which continues', async () => {
    const dataDir = await aStartedDataDir();
    const owner = await anOwner(dataDir);
    const second = open(dataDir);
    await expect(second).rejects.toThrow(EmbeddedInUseError);
    await expect(second).rejects.toThrow(
      `${dataDir} is in use by another tenant-registry (process ${owner.pid}): stop it, or set DATA_DIR to another folder`,
    );
    await owner.query(insertSql);
    await owner.close();
    expect(await readRows(await open(dataDir))).toEqual(storedRows);
  });

  test('the last process that leaves stops the server, whether it is owner or guest', async () => {
    const dataDir = await aStartedDataDir();
    const owner = await anOwner(dataDir);
    await owner.query(insertSql);
    const guest = await open(dataDir, { exclusive: false });
    expect(guest.port).toBe(owner.port);
    expect(guest.freshlyCreated).toBe(false);
    const pid = await postmasterPid(dataDir);

    await owner.close();
    expect(await readRows(guest)).toEqual(storedRows);
    const next = await open(dataDir);
    await guest.close();
    expect(await readRows(next)).toEqual(storedRows);
    expect(await isRunning(pid)).toBe(true);
    await next.close();
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('processes that open and close it at the same time never meet a stopping server', async () => {
    const dataDir = await aStartedDataDir();
    const openAndClose = async () => {
      for (let round = 0; round < 8; round++) {
        const embedded = await open(dataDir, { exclusive: false });
        expect(await query(embedded, 'select 1 as one')).toEqual([{ one: 1 }]);
        await embedded.close();
      }
    };
    await Promise.all([openAndClose(), openAndClose(), openAndClose()]);
  });

  test('two first starts at once use one cluster', async () => {
    const dataDir = await aDataDir();
    const [owner, guest] = await Promise.all([open(dataDir), open(dataDir, { exclusive: false })]);
    expect(owner.port).toBe(guest.port);
    expect([owner.freshlyCreated, guest.freshlyCreated].filter(Boolean)).toHaveLength(1);
    await storeRow(owner);
    expect(await readRows(guest)).toEqual(storedRows);
    expect(await readdir(dataDir)).toEqual(['pgpass', 'postgres', 'postgres.log', 'postgres.port']);
  });

  test('the next start takes over from an owner that was killed', async () => {
    const dataDir = await aStartedDataDir();
    const owner = await anOwner(dataDir);
    await owner.query(insertSql);
    const pid = await postmasterPid(dataDir);
    await owner.kill();
    const next = await open(dataDir);
    expect(await postmasterPid(dataDir)).toBe(pid);
    expect(next.port).toBe(owner.port);
    expect(await readRows(next)).toEqual(storedRows);
  });

  test('recovers when the owner and the server were killed', async () => {
    const dataDir = await aStartedDataDir();
    const owner = await anOwner(dataDir);
    await owner.query(insertSql);
    const pid = await postmasterPid(dataDir);
    await owner.kill();
    process.kill(pid, 'SIGKILL');
    const next = await open(dataDir);
    expect(await postmasterPid(dataDir)).not.toBe(pid);
    expect(await readRows(next)).toEqual(storedRows);
  });

  test('a killed server is started again by its owner, on the same port', async () => {
    const dataDir = await aStartedDataDir();
    const port = await aFreePort();
    const owner = await open(dataDir, { preferredPort: port });
    await storeRow(owner);
    expect(owner.port).toBe(port);
    const pid = await postmasterPid(dataDir);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => readRows(owner).catch(String), { timeout: 20_000 }).toEqual(storedRows);
    expect(owner.port).toBe(port);
    await expect(open(dataDir)).rejects.toThrow(`process ${process.pid}`);
    await owner.close();
    expect(await exists(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  });

  test('a stale lock file that names another running process does not count as the server', async () => {
    const dataDir = await aStartedDataDir();
    const first = await open(dataDir);
    await storeRow(first);
    const lockFile = join(dataDir, 'postgres/postmaster.pid');
    const lock = await readFile(lockFile, 'utf8');
    await first.close();
    const { uid, gid } = await stat(join(dataDir, 'postgres'));
    const impostor = spawn('sleep', ['60'], { uid, gid });
    undo.push(() => impostor.kill());
    await writeFile(lockFile, lock.replace(/^\d+/, String(impostor.pid)));
    const second = await open(dataDir);
    expect(await readRows(second)).toEqual(storedRows);
    await second.close();
    expect(impostor.exitCode ?? impostor.signalCode).toBeNull();
  });

  test('a first start that was killed leaves nothing that the next start mistakes for a cluster', async () => {
    const dataDir = await aDataDir();
    const { opened, kill } = await anotherProcess(dataDir);
    const isAttempt = (name: string) => name.startsWith('initdb-');
    const cutOff = expect(opened).rejects.toThrow();
    await expect
      .poll(
        async () => {
          const attempt = (await readdir(dataDir).catch(() => [])).find(isAttempt);
          return attempt !== undefined && (await exists(join(dataDir, attempt, 'data/PG_VERSION')));
        },
        { interval: 5, timeout: 20_000 },
      )
      .toBe(true);
    await kill();
    await cutOff;
    expect(await exists(join(dataDir, 'postgres'))).toBe(false);
    // Its initdb may run on for a moment.
    const processes = async () => (await promisify(execFile)('ps', ['-eo', 'args'])).stdout;
    await expect.poll(processes, { timeout: 20_000 }).not.toContain(dataDir);
    const embedded = await open(dataDir);
    expect(embedded.freshlyCreated).toBe(true);
    await storeRow(embedded);
    expect((await readdir(dataDir)).filter(isAttempt)).toEqual([]);
  });

  test('fails with the name of the password file when that is missing or holds another password', async () => {
    const dataDir = await aStartedDataDir();
    await (await open(dataDir)).close();
    const file = join(dataDir, 'pgpass');
    await writeFile(file, '127.0.0.1:*:*:postgres:another\n');
    await expect(open(dataDir)).rejects.toThrow(`refuses the password in ${file}`);
    await rm(file);
    await expect(open(dataDir)).rejects.toThrow(`${file} holds no password`);
    await expect.poll(() => exists(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  });
});
