import type { InputFieldMap } from '@pothos/core';
import type { z } from 'zod';
import { describeField } from '../../registry/values/field-description.js';
import type { MutationInputFields } from './mutation-input.js';

type InputType = Parameters<MutationInputFields['field']>[0]['type'];

const scalars: Record<string, InputType> = { string: 'String', integer: 'Int', boolean: 'Boolean' };

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
    const { type, description, byDefault } = describeField(field as z.ZodType);
    const shown = showsDefaults && byDefault !== undefined ? ` Default: ${byDefault}.` : '';
    const ownType = types[name] ?? scalars[type];
    if (ownType === undefined) throw new Error(`input field ${name} needs a type of its own in GraphQL`);
    return [name, t.field({ type: ownType, description: `${description}${shown}` })];
  });
  return Object.fromEntries(described);
}
