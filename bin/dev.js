/**
 * `npm run dev`: serves from the sources and restarts when they change; the admin page from its sources is at
 * http://localhost:5173/admin/. On a terminal log lines are shown readable, otherwise as the JSON that they are.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pretty from 'pino-pretty';

const root = fileURLToPath(new URL('..', import.meta.url));
const isReadable = process.stdout.isTTY;
const server = spawn(
  process.execPath,
  [
    ...['node_modules/tsx/dist/cli.mjs', 'watch', '--clear-screen=false', '--include', 'modules/**/*.sql'],
    ...['src/cli/main.ts', 'serve'],
  ],
  { cwd: root, stdio: ['inherit', 'inherit', isReadable ? 'pipe' : 'inherit'] },
);
const page = spawn(process.execPath, ['node_modules/vite/bin/vite.js'], { cwd: root, stdio: 'inherit' });
server.stderr?.pipe(pretty({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }));

// The server stops gracefully and its end is the end of this process; a terminal sends Ctrl-C to both.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code) => {
  page.kill('SIGTERM');
  process.exit(code ?? 1);
});
