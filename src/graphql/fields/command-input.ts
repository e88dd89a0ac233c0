import type { InputFieldMap } from '@pothos/core';
import { z } from 'zod';
import type { MutationInputFields } from './mutation-input.js';

type InputType = Parameters<MutationInputFields['field']>[0]['type'];

/** Types of GraphQL for types of JSON. */
const scalars = new Map([
  ['string', 'String'],
  ['integer', 'Int'],
  ['boolean', 'Boolean'],
] as const);

interface CommandInput {
  /** Types of the fields that have one of their own in GraphQL. */
  types?: Record<string, InputType>;
  /** Whether absent fields get their defaults, as in a new row. An update leaves them as they are. */
  showsDefaults?: boolean;
}

/** Input fields that the schema of a command describes, so that each of its fields is listed once. */
export function commandFields(
  t: MutationInputFields,
  fields: z.ZodRawShape,
  { types = {}, showsDefaults = false }: CommandInput = {},
): InputFieldMap {
  const described = Object.entries(fields).map(([name, field]) => {
    const { description, default: byDefault } = (field as z.ZodType).meta() ?? {};
    const shown = showsDefaults && byDefault !== undefined ? ` Default: ${byDefault}.` : '';
    const type = types[name] ?? scalarOf(name, field as z.ZodType);
    return [name, t.field({ type, description: `${description}${shown}` })];
  });
  return Object.fromEntries(described);
}

function scalarOf(name: string, field: z.ZodType): InputType {
  const schema = z.toJSONSchema(field, { io: 'input' });
  const types = [schema, ...(schema.anyOf ?? [])].flatMap(({ type = [] }) => type);
  for (const [type, scalar] of scalars) if (types.includes(type)) return scalar;
  throw new Error(`input field ${name} needs a type of its own in GraphQL`);
}
