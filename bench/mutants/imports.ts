import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';
import { readSource, root } from './sources.js';

/** The files of the project that a file imports or names as a program to start; imports of types alone do not count. */
export function findImports(file: string): string[] {
  const source = readSource(file);
  const { imported, types } = importsOf(source);
  const programs = programsIn(source).filter((path) => !types.includes(path));
  return [...new Set([...imported, ...programs].flatMap((specifier) => resolve(file, specifier)))];
}

function importsOf(source: string): { imported: string[]; types: string[] } {
  const { module } = parseSync('source.ts', source);
  const imports = module.staticImports.map(({ entries, moduleRequest }) => ({
    specifier: moduleRequest.value,
    isType: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  const exports = module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ isType, moduleRequest }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, isType }] : [],
    );
  const all = [...imports, ...exports].filter(({ specifier }) =>
    /^\.|^tenant-registry-client/.test(specifier),
  );
  const statically = all.filter(({ isType }) => !isType).map(({ specifier }) => specifier);
  // Some files import a module when they need it, and its types always.
  const dynamically = module.dynamicImports
    .map(({ moduleRequest: { start, end } }) => source.slice(start + 1, end - 1))
    .filter((specifier) => specifier.startsWith('.'));
  const imported = [...statically, ...dynamically];
  return { imported, types: all.filter(({ isType }) => isType).map(({ specifier }) => specifier) };
}

/** Paths in strings: `new URL('./victim.js', …)`, `dist/bundle/main.js`, `import('./late.js')`. */
function programsIn(source: string): string[] {
  const paths = source.matchAll(/['"`]([\w./${}-]+\.(?:js|ts)|(?:\.\.\/)*dist\/[^'"`]*)['"`]/g);
  return [...paths].map((match) => match[1] ?? '');
}

const packages: Record<string, string> = {
  'tenant-registry-client': 'src/client/index.ts',
  'tenant-registry-client/prisma': 'src/client/prisma.ts',
};

function resolve(from: string, specifier: string): string[] {
  const own = packages[specifier];
  if (own) return [own];
  // The compiled product stands for its sources; a path with a variable part can be any program, so take the command.
  const compiled = /(?:^|\/)dist\/(.+)$/.exec(specifier)?.[1];
  if (compiled?.includes('${') || compiled === 'bundle/main.js') return ['src/cli/main.ts'];
  if (compiled) return [`src/${compiled}`.replace(/\.js$/, '.ts')];
  const candidates = [normalize(join(dirname(from), specifier)), normalize(specifier)];
  return candidates
    .flatMap((path) => [path.replace(/\.js$/, '.ts'), path])
    .filter(isFile)
    .slice(0, 1);
}

function isFile(path: string): boolean {
  return !path.startsWith('..') && /\.[jt]s$/.test(path) && existsSync(join(root, path));
}
