/**
 * Support for tests of the embedded PostgreSQL: data folders, this process and others that open it, and cleaning up.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { pino } from 'pino';
import { type EmbeddedPostgres, openEmbedded } from '../../../src/database/embedded/embedded.js';
import { clearAfterTest } from '../../setup/leftovers.js';

export const project = join(import.meta.dirname, '../../..');
/** Steps that clean up, run in reverse order after each test. */
export const undo: (() => Promise<unknown> | unknown)[] = [];

clearAfterTest(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A temporary folder. PostgreSQL's account can enter it, except with `mode: 0o700`. */
export async function aFolder({ mode = 0o755 } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-'));
  await chmod(folder, mode);
  undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export async function aDataDir({ mode = 0o755 } = {}): Promise<string> {
  const dataDir = join(await aFolder({ mode }), '.data');
  // Stops the server when a test fails after a kill and before the start that takes over.
  undo.push(async () => {
    const pid = await postmasterPid(dataDir).catch(() => 0);
    if (!pid || !(await isRunning(pid))) return;
    try {
      process.kill(pid, 'SIGQUIT');
    } catch (error) {
      // It was stopping already, and is gone.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  });
  return dataDir;
}

export const logged: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });

export async function open(
  dataDir: string,
  options: { exclusive?: boolean; preferredPort?: number } = {},
): Promise<EmbeddedPostgres> {
  const embedded = await openEmbedded({ dataDir, exclusive: true, log, ...options });
  undo.push(() => embedded.close());
  return embedded;
}

export async function query<Row extends pg.QueryResultRow>(
  embedded: EmbeddedPostgres,
  sql: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: await embedded.databaseUrl('finance') });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Stores a row, to find out later whether a server still has the same data. */
export const insertSql = `create table stored as select 'rain' as weather`;
export const selectSql = 'select weather from stored';
export const storeRow = (embedded: EmbeddedPostgres) => query(embedded, insertSql);
export const readRows = (embedded: EmbeddedPostgres) => query(embedded, selectSql);
export const storedRows = [{ weather: 'rain' }];

export interface OtherProcess {
  pid: number;
  port: number;
  query(sql: string): Promise<unknown>;
  close(): Promise<void>;
  kill(): Promise<void>;
}

/** Another process that opens the embedded PostgreSQL. */
export async function anotherProcess(
  dataDir: string,
  options: { exclusive?: boolean; checkout?: string } = {},
) {
  const { exclusive = true, checkout = project } = options;
  const script = join(await aFolder(), 'other.mts');
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
     const { openEmbedded } = await import(${JSON.stringify(join(checkout, 'src/database/embedded/embedded.ts'))});
     const { openLog } = await import(${JSON.stringify(join(checkout, 'src/log.ts'))});
     const { Client } = await import(${JSON.stringify(join(project, 'node_modules/pg/esm/index.mjs'))});
     const embedded = await openEmbedded({
       dataDir: ${JSON.stringify(dataDir)}, exclusive: ${exclusive}, log: openLog('warn'),
     });
     console.log(embedded.port);
     for await (const line of createInterface({ input: process.stdin })) {
       if (line === 'close') {
         await embedded.close();
         console.log('null');
       } else {
         const client = new Client({ connectionString: await embedded.databaseUrl('finance') });
         await client.connect();
         console.log(JSON.stringify((await client.query(line)).rows));
         await client.end();
       }
     }`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', script], { cwd: project, stdio: 'pipe' });
  const exit = once(child, 'exit');
  undo.push(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  let errorOutput = '';
  child.stderr.on('data', (chunk) => {
    errorOutput += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(errorOutput);
    return value;
  };
  const send = async (line: string): Promise<unknown> => {
    child.stdin.write(`${line}\n`);
    return JSON.parse(await nextLine());
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  const opened = nextLine().then(
    (port): OtherProcess => ({
      pid: child.pid ?? 0,
      port: Number(port),
      query: send,
      close: async () => {
        await send('close');
      },
      kill,
    }),
  );
  return { opened, kill };
}

export async function anOwner(dataDir: string, options: { checkout?: string } = {}): Promise<OtherProcess> {
  return (await anotherProcess(dataDir, options)).opened;
}

/** The cluster's folder: in the data folder, or where `postgres.location` says. */
export async function clusterOf(dataDir: string): Promise<string> {
  const location = await readFile(join(dataDir, 'postgres.location'), 'utf8').catch(() => dataDir);
  return join(location.split('\n')[0] ?? '', 'postgres');
}

export async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(await clusterOf(dataDir), 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** False when the process does not exist or is a zombie. */
export async function isRunning(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

export const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
