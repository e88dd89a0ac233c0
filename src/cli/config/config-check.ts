import type { Command } from 'commander';
import { type Config, ConfigError, readConfig } from '../../config.js';
import type { Environment } from '../../settings/environment-reader.js';
import type { Setting } from '../../settings/setting.js';
import { readSettingFiles } from '../../settings/setting-files.js';
import { isDatabaseVariable, settings } from '../../settings/settings.js';
import { paint } from '../terminal/color.js';
import { renderTable } from '../terminal/table.js';
import { print } from '../with-app.js';
import { describeDatabase, describeRedis, type Place, tryPlaces } from './config-places.js';
import { envFileOf } from './env-file.js';

export function addConfig(program: Command): void {
  program
    .command('config')
    .description('Examine the configuration.')
    .command('check')
    .description(
      'Show each variable with its origin, and try every database and Redis. No password is shown.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n\n  tenant-registry --env-file /etc/tenant-registry/environment config check',
    )
    .action(check);
}

interface Variable {
  name: string;
  value: string;
  /** default, environment, or the path of a file. */
  from: string;
}

/** Exit code 1 when something is wrong; a Redis that cannot be used is wrong too, although gateways serve without it. */
async function check({ json }: { json?: true }): Promise<void> {
  const variables = listVariables(process.env);
  const { config, problems } = read();
  const places = config ? await tryPlaces(config) : [];
  if (problems.length > 0 || places.some((place) => place.problems.length > 0)) process.exitCode = 1;
  if (json) return print(JSON.stringify({ variables, problems, places }));
  for (const line of describe(variables, places)) print(line);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
}

function read(): { config?: Config; problems: readonly string[] } {
  try {
    return { config: readConfig(process.env), problems: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems };
    throw error;
  }
}

function listVariables(given: Environment): Variable[] {
  const { env, files } = readSettingFiles(given);
  const further = (env.MODULE_DB_VARIABLES ?? '').split(',').map((name) => name.trim());
  const ofServices = Object.keys(env).filter((name) => {
    const url = name.replace(/_(?:DIRECT|READ)_URL$/, '_URL');
    return !(name in settings) && [name, url].some((one) => isDatabaseVariable(one, further));
  });
  // A name with <MODULE> stands for several.
  const names = [...Object.keys(settings).filter((name) => !name.startsWith('<')), ...ofServices.sort()];
  return names.map((name) => {
    const setting: Setting | undefined =
      name in settings ? settings[name as keyof typeof settings] : undefined;
    const text = env[name]?.trim();
    if (files[name] !== undefined) return { name, value: shown(name, text, setting), from: files[name] };
    if (!text) return { name, value: setting?.default ?? 'none', from: 'default' };
    return { name, value: shown(name, text, setting), from: envFileOf(name) ?? 'environment' };
  });
}

/** The value, or what a secret one leads to. */
function shown(name: string, text: string | undefined, setting: Setting | undefined): string {
  if (!text) return 'none';
  if (setting && !setting.isSecret) return text;
  const isDatabase = !setting || name === 'DATABASE_URL' || name === 'DATABASE_DIRECT_URL';
  if (!isDatabase && name !== 'REDIS_URL') return 'set, and not shown';
  try {
    return isDatabase ? describeDatabase(text) : describeRedis(text);
  } catch {
    return 'a wrong value, which is not shown';
  }
}

function describe(variables: readonly Variable[], places: readonly Place[]): string[] {
  const table = renderTable(
    variables,
    [
      { title: 'VARIABLE', read: ({ name }) => name, least: Number.POSITIVE_INFINITY },
      { title: 'VALUE', read: ({ value }) => value, least: 20 },
      { title: 'FROM', read: ({ from }) => from, least: 10 },
    ],
    process.stdout.columns,
  );
  const found = places.flatMap(({ variable, place, problems }) => [
    `${problems.length === 0 ? paint('green', 'ok    ') : paint('red', 'failed')}  ${variable}: ${place}`,
    ...problems.map((problem) => `        ${problem}`),
  ]);
  return [...table, ...(found.length > 0 ? ['', ...found] : [])];
}
