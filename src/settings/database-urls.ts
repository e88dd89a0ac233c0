/** The settings with URLs of PostgreSQL. */

import { findPostgresUrlProblems, readPostgresUrl } from '../urls/postgres-url.js';
import type { Environment, EnvironmentReader } from './environment-reader.js';
import {
  describeWrongValue,
  directVariableOf,
  isDatabaseVariable,
  readVariableOf,
  type SettingName,
  settings,
} from './settings.js';

export interface DatabaseUrls {
  /** URL of the registry database; undefined: the embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | undefined;
  /** URL of the registry database without a pooler, where `databaseUrl` goes through one; undefined: `databaseUrl`. */
  databaseDirectUrl: string | undefined;
  /** URLs of service databases by the variable that holds them, such as FINANCE_DB_URL. */
  serviceDatabaseUrls: Readonly<Record<string, string>>;
  /** URLs of the same databases for a role that only examines them, by the same variables. */
  serviceDatabaseReadUrls: Readonly<Record<string, string>>;
  /** URLs of the same databases without a pooler, by the same variables. */
  serviceDatabaseDirectUrls: Readonly<Record<string, string>>;
  /** Variables that may name a service database besides `<MODULE>_DB_URL`. */
  moduleDbVariables: readonly string[];
}

export function readDatabaseUrls(env: Environment, read: EnvironmentReader): DatabaseUrls {
  const { problems } = read;
  const ofRegistry = (name: 'DATABASE_URL' | 'DATABASE_DIRECT_URL') =>
    readUrl(name, read.text(name), findPostgresUrlProblems, problems);
  const databaseUrl = ofRegistry('DATABASE_URL');
  const databaseDirectUrl = ofRegistry('DATABASE_DIRECT_URL');
  if (read.text('DATABASE_URL') === undefined && databaseDirectUrl !== undefined)
    problems.push('DATABASE_DIRECT_URL is set without DATABASE_URL: set both, or neither');
  const moduleDbVariables = read.list('MODULE_DB_VARIABLES', isFreeVariable) ?? [];
  const serviceDatabaseUrls = readServiceUrls(env, moduleDbVariables, problems);
  if (databaseUrl !== undefined) problems.push(...findTlsProblemsOf(env));
  return {
    databaseUrl,
    databaseDirectUrl,
    serviceDatabaseUrls,
    serviceDatabaseReadUrls: readOtherUrls('READ', env, serviceDatabaseUrls, moduleDbVariables, problems),
    serviceDatabaseDirectUrls: readOtherUrls('DIRECT', env, serviceDatabaseUrls, moduleDbVariables, problems),
    moduleDbVariables,
  };
}

/** The driver treats any other PGSSLMODE as "no TLS", and ignores PGCHANNELBINDING. */
function findTlsProblemsOf({ PGSSLMODE: mode, PGCHANNELBINDING: binding }: Environment): string[] {
  return [
    ...(!mode || driverModes.includes(mode)
      ? []
      : [`PGSSLMODE must be one of ${driverModes.join(', ')}; or write sslmode into each URL`]),
    ...(binding === 'require'
      ? ['PGCHANNELBINDING has no effect here: write channel_binding=require into each URL']
      : []),
  ];
}

const driverModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** The URL, which is undefined when it is not set or has a problem. `variable` has the value of the setting. */
export function readUrl(
  setting: SettingName,
  text: string | undefined,
  findProblems: (text: string) => string[] | undefined,
  problems: string[],
  variable: string = setting,
): string | undefined {
  if (text === undefined) return undefined;
  const found = findProblems(text)?.map((problem) => `${variable}: ${problem}`);
  if (found?.length === 0) return text;
  problems.push(...(found ?? [describeWrongValue(setting, text, variable)]));
  return undefined;
}

/** Whether MODULE_DB_VARIABLES may list the variable: it is none of the gateway's own. */
function isFreeVariable(name: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,62}$/.test(name) && !(name in settings);
}

function readServiceUrls(
  env: Environment,
  moduleDbVariables: readonly string[],
  problems: string[],
): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name in settings || !isDatabaseVariable(name, moduleDbVariables)) continue;
    const url = readUrl(
      '<MODULE>_DB_URL',
      value?.trim() || undefined,
      findPostgresUrlProblems,
      problems,
      name,
    );
    if (url !== undefined) urls[name] = url;
  }
  return urls;
}

/** Reads further URLs of the same databases. */
function readOtherUrls(
  kind: 'READ' | 'DIRECT',
  env: Environment,
  urls: Readonly<Record<string, string>>,
  moduleDbVariables: readonly string[],
  problems: string[],
): Record<string, string> {
  const otherVariableOf = kind === 'READ' ? readVariableOf : directVariableOf;
  const otherUrls: Record<string, string> = {};
  for (const [variable, url] of Object.entries(urls)) {
    const name = otherVariableOf(variable);
    const given = env[name]?.trim() || undefined;
    const other = readUrl(`<MODULE>_DB_${kind}_URL`, given, findPostgresUrlProblems, problems, name);
    if (other === undefined) continue;
    // A pooler may have another name for the database.
    if (kind === 'READ' && readPostgresUrl(other).database !== readPostgresUrl(url).database)
      problems.push(
        `${name} names another database than ${variable}: expected the same database with another role`,
      );
    else otherUrls[variable] = other;
  }
  const usual = Object.keys(env).filter((name) => name.endsWith(`_DB_${kind}_URL`));
  const variables = [...usual.map((name) => name.replace(`_${kind}_URL`, '_URL')), ...moduleDbVariables];
  for (const variable of new Set(variables)) {
    const name = otherVariableOf(variable);
    if (env[name]?.trim() && !env[variable]?.trim() && !(name in settings) && !(name in urls))
      problems.push(`${name} is set without ${variable}: set both, or neither`);
  }
  return otherUrls;
}
