import { builder } from '../builder.js';

/**
 * An enum for names that rows hold as text. A row that a later version wrote, or a trigger for a new noun, is answered as
 * OTHER; an enum without such a value would fail the query.
 */
export function openEnum<Stored extends string>(
  name: string,
  options: {
    description: string;
    /** Description of each name. */
    values: Readonly<Record<Stored, string>>;
    other: string;
  },
) {
  const stored = Object.entries<string>(options.values);
  const type = builder.enumType(name, {
    description: options.description,
    values: Object.fromEntries([
      ...stored.map(([value, description]) => [enumName(value), { value, description }]),
      ['OTHER', { value: other, description: options.other }],
    ]) as Record<string, { value: string; description: string }>,
  });
  const isKnown = (text: string) => Object.hasOwn(options.values, text);
  return { type, isKnown, read: (text: string) => (isKnown(text) ? text : other) };
}

/** Value of OTHER in the program; no row holds it. */
export const other = 'OTHER';

/** "tenant.suspended" is TENANT_SUSPENDED. */
function enumName(text: string): string {
  return text.replaceAll('.', '_').toUpperCase();
}
