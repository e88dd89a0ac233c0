import { z } from 'zod';

/** A field of a command, as the doors show it. */
export interface FieldDescription {
  type: 'string' | 'integer' | 'boolean' | 'object';
  /** The values of an enum, in capital letters; empty for other fields. */
  values: string[];
  description: string;
  /** The value of a new row in which the field was not given. */
  byDefault: string | number | boolean | undefined;
  isNullable: boolean;
}

const types = ['string', 'integer', 'boolean'] as const;

/** Describes the input that the schema of a field accepts. */
export function describeField(field: z.ZodType): FieldDescription {
  const schema = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' });
  const parts = [schema, ...(schema.anyOf ?? [])];
  const found = parts.flatMap(({ type = [] }) => type);
  const { default: byDefault } = field.meta() ?? {};
  return {
    type: types.find((type) => found.includes(type)) ?? 'object',
    values: parts.flatMap(({ enum: values = [] }) => values.filter((value) => typeof value === 'string')),
    description: field.description ?? '',
    byDefault: isPlain(byDefault) ? byDefault : undefined,
    isNullable: field.safeParse(null).success,
  };
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
