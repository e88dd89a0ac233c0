import { TenantRegistryError } from './error.js';

/** Returns what is wrong with a value, without showing a value that may be a secret; undefined for a correct one. */
export type Check = (value: unknown) => string | undefined;

/** One check per option. An option that is absent or undefined is not checked. */
export type Checks<Options> = Readonly<Record<keyof Options, Check>>;

/** Throws VALIDATION_ERROR that names each option that is missing, unknown or wrong. */
export function checkOptions<Options extends object>(
  of: string,
  options: unknown,
  checks: Checks<Options>,
  required: readonly (keyof Options & string)[] = [],
): asserts options is Options {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(of, [`expected an object of options, got ${kindOf(options)}`]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const missing = required.filter((name) => given.every(([one]) => one !== name));
  const wrong = given.flatMap(([name, value]) => {
    if (!Object.hasOwn(checks, name))
      return [`${name}: unknown option; the options are ${Object.keys(checks).join(', ')}`];
    const problem = checks[name as keyof Options](value);
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
  const problems = [...missing.map((name) => `${name}: this option is required`), ...wrong];
  if (problems.length > 0) throw invalid(of, problems);
}

export function isFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : `expected a function, got ${kindOf(value)}`;
}

export function isBoolean(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : `expected true or false, got ${kindOf(value)}`;
}

export function isNumberFrom(lowest: number, highest: number): Check {
  return (value) => {
    const isInside = typeof value === 'number' && value >= lowest && value <= highest;
    const range = highest === Number.POSITIVE_INFINITY ? `${lowest} or more` : `${lowest} to ${highest}`;
    const got = typeof value === 'number' ? String(value) : kindOf(value);
    return isInside ? undefined : `expected a number of ${range}, got ${got}`;
  };
}

export function isOneOf(values: readonly string[]): Check {
  return (value) =>
    values.includes(value as string)
      ? undefined
      : `expected ${values.join(', ')}, got ${typeof value === 'string' ? `"${value}"` : kindOf(value)}`;
}

/** The kind of a value, for messages. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'an array';
  return /^[aeiou]/.test(typeof value) ? `an ${typeof value}` : `a ${typeof value}`;
}

function invalid(of: string, problems: readonly string[]): TenantRegistryError {
  return new TenantRegistryError('VALIDATION_ERROR', `${of}: ${problems.join('; ')}`);
}
