/**
 * Runs the build steps that are out of date. Without any it prints nothing; otherwise all output goes to standard
 * error, because standard output belongs to the command that runs afterwards. Plain JavaScript, because it runs before
 * any build.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from './lock.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const stateDir = join(root, 'dist/.build');

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} message
 * @property {string[]} inputs files and folders whose content decides whether the step must run
 * @property {string[]} [except] files and folders among them that do not
 * @property {string} output a file without which the step must run
 * @property {() => boolean} run
 */

/**
 * Arguments for esbuild. Node.js needs as long to find a thousand modules as to run them, so the command line and its libraries are
 * bundled: it starts in half the time.
 */
export const bundling = [
  'dist/cli/main.js',
  '--bundle',
  '--splitting',
  '--format=esm',
  '--platform=node',
  '--target=node20',
  // One copy of graphql, which refuses the objects of another one.
  '--main-fields=module,main',
  // The log shows the names of errors.
  '--keep-names',
  '--external:pg-native',
  // It finds its WebAssembly beside its own file, and only some commands need it.
  '--external:libpg-query',
  '--outdir=dist/bundle',
  '--log-level=warning',
  // For libraries in CommonJS, which call it.
  '--banner:js=import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
];

/** @type {Step[]} In this order, because a step may need the result of an earlier one. */
const steps = [
  {
    name: 'prisma',
    message: 'Generating the database client',
    inputs: ['prisma/schema.prisma'],
    output: 'src/database/generated/prisma/client.ts',
    run: () => generate('prisma/schema.prisma'),
  },
  {
    name: 'examples',
    message: 'Generating the database client of an example',
    inputs: ['examples/operations/schema.prisma'],
    output: 'examples/operations/generated/client.ts',
    run: () => generate('examples/operations/schema.prisma'),
  },
  {
    name: 'server',
    message: 'Compiling the server',
    inputs: [
      ...['tsconfig.json', 'tsconfig.build.json', 'prisma/schema.prisma', 'src', 'bin/build.js'],
      'src/graphql/generated/shipped-documents.ts',
    ],
    except: ['src/admin', 'src/client'],
    output: 'dist/bundle/main.js',
    run: () => compile('tsconfig.build.json') && removeOrphans('dist', 'src') && bundleServer(),
  },
  {
    name: 'client',
    message: 'Building the client package',
    inputs: ['tsconfig.json', 'tsconfig.client.json', 'src/client', 'bin/build.js'],
    output: 'dist/client/package.json',
    run: packageClient,
  },
  {
    name: 'admin',
    message: 'Building the admin page',
    inputs: ['src/admin', 'schema.graphql', 'vite.config.ts'],
    output: 'dist/admin/index.html',
    run: () => runTool('vite/bin/vite.js', ['build', '--logLevel', 'warn']),
  },
];

/**
 * @param {string[]} names names of steps; an empty list means all steps
 * @returns {boolean} false when a step failed and has printed the reason
 */
export function build(names = []) {
  const wanted = steps
    .filter((step) => names.length === 0 || names.includes(step.name))
    .filter((step) => step.inputs.every((input) => existsSync(join(root, input))));
  if (wanted.every(isCurrent)) return true;
  mkdirSync(stateDir, { recursive: true });
  const releaseLock = acquireLock(join(stateDir, 'lock'));
  try {
    // Checked again, because the process that held the lock before may have built them.
    return wanted.every((step) => isCurrent(step) || runStep(step));
  } finally {
    releaseLock();
  }
}

/** @param {Step} step */
function runStep(step) {
  process.stderr.write(`${step.message}\n`);
  rmSync(stampFileOf(step), { force: true });
  // Computed before the run, so that edits during the run cause another build.
  const stamp = fingerprint(step);
  if (!step.run()) {
    process.stderr.write(`${step.message} failed\n`);
    return false;
  }
  writeFileSync(stampFileOf(step), stamp);
  return true;
}

/** @param {Step} step */
function isCurrent(step) {
  if (!existsSync(join(root, step.output)) || !existsSync(stampFileOf(step))) return false;
  return readFileSync(stampFileOf(step), 'utf8') === fingerprint(step);
}

/** @param {Step} step */
function stampFileOf(step) {
  return join(stateDir, `${step.name}.stamp`);
}

/**
 * Hashes the content and not the times of the files, which every checkout changes, and the versions of all dependencies.
 * @param {Step} step
 */
function fingerprint(step) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(JSON.stringify([dependencies, devDependencies]));
  const ignored = (step.except ?? []).map((path) => join(root, path));
  for (const file of step.inputs.flatMap((input) => filesIn(join(root, input)))) {
    if (ignored.some((path) => file.startsWith(`${path}${sep}`))) continue;
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** @param {string} path @returns {string[]} */
function filesIn(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .filter((name) => name !== 'generated' && !name.startsWith('.'))
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

/** @param {string} schema */
function generate(schema) {
  return runTool('prisma/build/index.js', ['generate', '--no-hints', '--schema', schema], {
    // Prisma would download a native engine that it does not use, unless one is configured.
    PRISMA_SCHEMA_ENGINE_BINARY: '/bin/false',
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  });
}

/** @param {string} project */
function compile(project) {
  return runTool('typescript/bin/tsc', ['--project', project]);
}

function bundleServer() {
  rmSync(join(root, 'dist/bundle'), { recursive: true, force: true });
  return runTool('esbuild/bin/esbuild', bundling);
}

/**
 * Builds the client as a separate package, ready for `npm pack`. The code is CommonJS, and the ES modules only export it again, so that
 * a process which loads both has one class TenantRegistryError.
 */
function packageClient() {
  rmSync(join(root, 'dist/client'), { recursive: true, force: true });
  if (!compile('tsconfig.client.json')) return false;
  for (const name of ['README.md', 'package.json'])
    copyFileSync(join(root, 'src/client', name), join(root, 'dist/client', name));
  writeFileSync(join(root, 'dist/client/cjs/package.json'), '{ "type": "commonjs" }\n');
  for (const entry of ['index', 'prisma']) {
    const code = `./cjs/${entry}.js`;
    const names = Object.keys(createRequire(join(root, 'dist/client/package.json'))(code)).join(', ');
    writeFileSync(join(root, `dist/client/${entry}.js`), `export { ${names} } from '${code}';\n`);
    writeFileSync(join(root, `dist/client/${entry}.d.ts`), `export * from '${code}';\n`);
  }
  return true;
}

/**
 * @param {string} script inside node_modules
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function runTool(script, args, env) {
  const path = join(root, 'node_modules', script);
  if (!existsSync(path)) {
    process.stderr.write('The build needs the development dependencies: run "npm ci"\n');
    return false;
  }
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [path, ...args], {
    cwd: root,
    // Prisma finds its generators on the PATH that npm sets.
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
      ...env,
    },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0)
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`);
  return status === 0;
}

/**
 * Removes compiled files whose source no longer exists.
 * @param {string} output
 * @param {string} source
 */
function removeOrphans(output, source) {
  for (const file of filesIn(join(root, output))) {
    const from = sourceOf(relative(join(root, output), file));
    if (from && !existsSync(join(root, source, from))) rmSync(file);
  }
  return true;
}

/**
 * The source of a file that the compilation of the server leaves in its folder; undefined for files of other steps.
 * @param {string} path
 */
export function sourceOf(path) {
  const isOther = /^(admin|bundle|client)[/\\]/.test(path) || !/\.js(\.map)?$/.test(path);
  return isOther ? undefined : path.replace(/\.js(\.map)?$/, '.ts');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = build(process.argv.slice(2)) ? 0 : 1;
}
