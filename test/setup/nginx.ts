/** An nginx for one test. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './free-port.js';
import { awaitAnswer, type GuardedProcess, spawnGuarded } from './guarded-process.js';

/** Debian installs it in a folder that only root's PATH contains. */
const program = ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).status === 0);

/** Tests with nginx are skipped where it is missing, but fail in CI. */
export const skipsNginx = program === undefined && !process.env.CI;
if (skipsNginx)
  process.stderr.write(
    '\n>>> TESTS BEHIND NGINX ARE SKIPPED: nginx is missing (apt-get install nginx) <<<\n\n',
  );

export interface NginxServer extends AsyncDisposable {
  url: string;
  /** SIGKILL; `start` starts it again at its URL. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

const placesOfFiles = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with these locations, and otherwise with its default settings. */
export async function openNginx(locations: string): Promise<NginxServer> {
  return await openNginxWith(
    ({ folder, port }) => `pid ${folder}/pid; error_log stderr error;
events {}
http {
  access_log off;
  ${placesOfFiles.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`,
  );
}

/** Starts nginx in one process with a whole configuration. */
export async function openNginxWith(
  configure: (place: { folder: string; port: number }) => string,
): Promise<NginxServer> {
  if (!program) throw new Error('nginx is missing (apt-get install nginx)');
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-nginx-'));
  const port = await findFreePort();
  const file = join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  await writeFile(file, `daemon off; master_process off; ${user}\n${configure({ folder, port })}`);
  const url = `http://127.0.0.1:${port}`;
  let running: GuardedProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const ending = running;
    running = undefined;
    await ending?.end(signal);
  };
  const close = async () => {
    await end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  const isUp = () =>
    fetch(url).then(
      () => true,
      () => false,
    );
  const start = async () => {
    running = await spawnGuarded([program, '-c', file, '-p', folder], { folder });
    await awaitAnswer(running, { name: 'nginx', isUp, close });
  };
  await start();
  return { url, start, kill: () => end('SIGKILL'), [Symbol.asyncDispose]: close };
}
