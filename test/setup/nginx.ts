/** An nginx for one test. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './free-port.js';
import { awaitAnswer, spawnGuarded } from './guarded-process.js';

/** Debian installs it in a folder that only root's PATH contains. */
const program = ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).status === 0);

/** Tests with nginx are skipped where it is missing, but fail in CI. */
export const skipsNginx = program === undefined && !process.env.CI;
if (skipsNginx)
  process.stderr.write(
    '\n>>> TESTS BEHIND NGINX ARE SKIPPED: nginx is missing (apt-get install nginx) <<<\n\n',
  );

/** Starts nginx with these locations, and otherwise with its default settings. */
export async function openNginx(locations: string): Promise<{ url: string } & AsyncDisposable> {
  if (!program) throw new Error('nginx is missing (apt-get install nginx)');
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-nginx-'));
  const port = await findFreePort();
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr error; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
  ${places.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`,
  );
  const running = await spawnGuarded([program, '-c', join(folder, 'nginx.conf'), '-p', folder], { folder });
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    await running.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  const isUp = () =>
    fetch(url).then(
      () => true,
      () => false,
    );
  await awaitAnswer(running, { name: 'nginx', isUp, close });
  return { url, [Symbol.asyncDispose]: close };
}
