import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';

/** The variables that this process has from a file, and the file. */
let loaded: { path: string; names: ReadonlySet<string> } = { path: '', names: new Set() };

/** The file of --env-file from which the variable is; undefined when the environment had it before. */
export function envFileOf(name: string): string | undefined {
  return loaded.names.has(name) ? loaded.path : undefined;
}

/** Adds --env-file, which may stand anywhere in the line. Variables of the environment go before those of the file. */
export function addEnvFile(program: Command): void {
  program.option(
    '--env-file <file>',
    'file with lines such as PORT=4000, for variables that the environment lacks',
  );
  program.hook('preAction', () => {
    const { envFile } = program.opts<{ envFile?: string }>();
    if (envFile === undefined) loaded = { path: '', names: new Set() };
    else load(envFile);
  });
}

/**
 * The environment with what the file says now. Variables that the environment had before stay as they are. `process.env` does not change:
 * processes that are started later begin with the settings of this one.
 */
export function environmentWithFile(): NodeJS.ProcessEnv {
  const { path, names } = loaded;
  if (path === '') return process.env;
  const before = Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)));
  return { ...parseEnv(readEnvFile(path)), ...before };
}

function load(path: string): void {
  const added = Object.entries(parseEnv(readEnvFile(path))).filter(
    ([name]) => process.env[name] === undefined,
  );
  for (const [name, value] of added) process.env[name] = value;
  loaded = { path, names: new Set(added.map(([name]) => name)) };
}

function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `--env-file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): name a file that this user may read`,
    );
  }
}
