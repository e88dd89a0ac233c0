/** Values of variables that are in files, as platforms hand secrets to processes. */
import { readFileSync } from 'node:fs';
import type { Environment } from './environment-reader.js';
import { isDatabaseVariable, settings } from './settings.js';

export interface SettingFiles {
  /** The environment with the values of the files. */
  env: Environment;
  /** The path of the file by the variable whose value it has. */
  files: Readonly<Record<string, string>>;
  problems: string[];
}

const suffix = '_FILE';

/** `X_FILE` names a file with the value of variable X, for every setting and every URL of a service database. */
export function readSettingFiles(given: Environment): SettingFiles {
  const values: Record<string, string | undefined> = {};
  const files: Record<string, string> = {};
  const problems: string[] = [];
  const take = (isOne: (name: string) => boolean) => {
    for (const [key, value] of Object.entries(given)) {
      const name = key.slice(0, -suffix.length);
      const path = value?.trim();
      if (!key.endsWith(suffix) || !path || name in files || !isOne(name)) continue;
      files[name] = path;
      if (given[name]?.trim()) problems.push(`${name} and ${key} are both set: unset one of them`);
      else values[name] = readValue(key, path, problems);
    }
  };
  // OpenTelemetry reads its variables itself, and knows no files.
  take((name) => name in settings && !name.startsWith('OTEL_'));
  const further = (values.MODULE_DB_VARIABLES ?? given.MODULE_DB_VARIABLES ?? '')
    .split(',')
    .map((name) => name.trim());
  take((name) => {
    const url = name.replace(/_(?:DIRECT|READ)_URL$/, '_URL');
    return [name, url].some((one) => isDatabaseVariable(one, further));
  });
  const env = Object.keys(values).length === 0 ? given : { ...given, ...values };
  return { env, files, problems };
}

/** The text of the file without blanks around it; an editor ends a file with a line break. */
function readValue(key: string, path: string, problems: string[]): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (text === '') problems.push(`${key}: file ${path} is empty: write the value into it, or unset ${key}`);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    problems.push(`${key}: file ${path} cannot be read (${code}): name a file that this user may read`);
    return undefined;
  }
}
