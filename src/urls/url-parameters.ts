/** A parameter of a URL of PostgreSQL or Redis: either it has an effect, or it is refused with what to do instead. */
type UrlParameter =
  | { effect: string; values?: readonly string[]; accepts?: RegExp; expected?: string }
  | { instead: string };

/** Every parameter that a driver, libpq or Prisma knows, by its name. A driver ignores what it does not know, so others are refused too. */
export type UrlParameters = Readonly<Record<string, UrlParameter>>;

/** Parameters that are refused with the same advice. */
export function refuse(instead: string, ...names: string[]): UrlParameters {
  return Object.fromEntries(names.map((name) => [name, { instead }]));
}

/** What is wrong with the parameters of a URL, one line each. No line repeats a value, which may be a password. */
export function findParameterProblems(given: URLSearchParams, table: UrlParameters): string[] {
  return [...new Set(given.keys())].flatMap((name) => {
    const known = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!known) return [describeUnknown(name)];
    if ('instead' in known) return [`its parameter ${name} is refused: ${known.instead}`];
    const values = given.getAll(name);
    if (values.length > 1) return [`its parameter ${name} is given more than once: give it once`];
    const [value = ''] = values;
    if (known.values ? known.values.includes(value) : (known.accepts ?? /./s).test(value)) return [];
    return [`its parameter ${name} has a wrong value: expected ${expectedOf(known)}`];
  });
}

function expectedOf({ values, expected }: { values?: readonly string[]; expected?: string }): string {
  return values ? oneOf(values) : (expected ?? 'a text that is not empty');
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
}

/** A text that is no parameter name may be the rest of a password with a special character, so it is not shown. */
function describeUnknown(name: string): string {
  return /^[A-Za-z][\w.-]{0,40}$/.test(name)
    ? `its parameter ${name} is not known: remove it, or correct its name`
    : 'it has a parameter whose name is not known: remove it; in a password write ? as %3F, & as %26, # as %23 and so on';
}
