/** A gateway in its own process, which tests kill, freeze and stop. Its environment names the databases it shares. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { build } from '../../bin/build.js';
import { createSecret, hashSecret } from '../../src/auth/api-key.js';
import type { Answer, TestGateway } from './gateway.js';
import type { TypedDocumentString } from './generated/graphql.js';

export interface GatewayProcess extends AsyncDisposable {
  url: string;
  pid: number;
  /** Sends a query over HTTP, by default with the key of the process's options. */
  ask: TestGateway['ask'];
  /** Logged errors and warnings of Node.js so far. */
  complaints: readonly string[];
  /** Logged warnings so far. */
  warnings: readonly string[];
  /** SIGTERM; resolves with the exit code when the process has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export interface GatewayProcessOptions {
  databaseUrl: string;
  /** URL of a module's database. */
  serviceUrl: (module: string) => string;
  /** Default key of `ask`. */
  key: string;
  env?: Record<string, string>;
  /** Folder of another version of the project, which is built; default: this one. */
  folder?: string | undefined;
  /** A program with arguments that runs the command after it, such as `ip netns exec <name>`. */
  within?: readonly string[] | undefined;
}

const project = join(import.meta.dirname, '../..');
const shippedModules = ['operations', 'finance', 'inventory', 'dbtools'];
const startupMs = 30_000;

/** Starts the compiled gateway, because loading the sources takes three times as long. Resolves when it serves. */
export async function startGateway(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const { folder = project, within = [] } = options;
  if (folder === project && !build(['server'])) throw new Error('the server does not compile');
  const [program = '', ...args] = [...within, process.execPath, 'dist/bundle/main.js', 'serve'];
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: options.databaseUrl,
      ...Object.fromEntries(
        shippedModules.map((name) => [`${name.toUpperCase()}_DB_URL`, options.serviceUrl(name)]),
      ),
      DATA_DIR: '/dev/null/nowhere',
      // On a machine that runs tests every event loop may be late, and every document slow.
      SHED_DELAY_MS: '0',
      RATE_DOCUMENT_MS: '0',
      PORT: '0',
      ...options.env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  // A test run that is interrupted leaves no gateway behind.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  ended.then(() => process.off('exit', end));

  let said = '';
  const complaints: string[] = [];
  const warnings: string[] = [];
  const lines = createInterface({ input: child.stderr });
  const served = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      said = `${said}${line}\n`.slice(-4_000);
      if (!line.startsWith('{') || /"level":[56]0/.test(line)) complaints.push(line);
      if (line.includes('"level":40')) warnings.push(line);
      const url = /"url":"(http[^"]+)\/graphql"/.exec(line)?.[1];
      if (url && line.includes('"msg":"serving"')) resolve(url);
    });
    ended.then(() => reject(new Error(`the gateway ended before it served: ${said}`)));
    setTimeout(() => reject(new Error(`the gateway does not serve: ${said}`)), startupMs).unref();
  });
  const url = await served.catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });

  const signal = async (name: NodeJS.Signals) => {
    child.kill(name);
    await ended;
    return child.exitCode;
  };
  return {
    url,
    pid: child.pid as number,
    complaints,
    warnings,
    ask: (query, variables, asking) => askAt(url, query, variables, { key: options.key, ...asking }),
    stop: () => signal('SIGTERM'),
    kill: async () => void (await signal('SIGKILL')),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => void (await signal('SIGKILL')),
  };
}

/** One GraphQL request over HTTP. */
async function askAt<Data>(
  url: string,
  query: string | TypedDocumentString<Data, never>,
  variables: Record<string, unknown> = {},
  { key, accept = 'application/json' }: { key?: string; accept?: string } = {},
): Promise<Answer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(key && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<Answer<Data>, 'data'> & Partial<Answer<Data>>;
  const errors = body.errors ?? [];
  return {
    status: response.status,
    data: body.data,
    errors,
    codes: errors.map(({ extensions }) => extensions?.code),
    headers: response.headers,
  };
}

/** Secret of a new API key, written into a migrated registry as an operator would at the prompt. */
export async function insertKey(databaseUrl: string, ...scopes: string[]): Promise<string> {
  const secret = createSecret();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`INSERT INTO api_keys (name, secret_hash, scopes) VALUES ('test', $1, $2)`, [
      Buffer.from(hashSecret(secret)),
      scopes,
    ]);
  } finally {
    await client.end();
  }
  return secret;
}
