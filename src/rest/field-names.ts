import { z } from 'zod';
import { renameFields } from '../errors.js';
import { describeField, type FieldDescription } from '../registry/values/field-description.js';

/** REST writes the names of fields in snake case, and the values of enums in lower case; upper case is accepted, too. */

export function snakeName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelName(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Fields of a command under the names of REST. */
export function inSnakeCase(fields: z.ZodRawShape): Record<string, z.ZodType> {
  const renamed = Object.entries(fields).map(([name, field]) => [
    snakeName(name),
    withDefault(withLowerCase(field as z.ZodType), describeField(field as z.ZodType)),
  ]);
  return Object.fromEntries(renamed);
}

/** In its description, because JSON Schema drops the default of a field that is transformed. */
function withDefault(field: z.ZodType, { byDefault, description }: FieldDescription): z.ZodType {
  if (byDefault === undefined) return field;
  return field.meta({ ...field.meta(), description: `${description} Default: ${byDefault}.` });
}

function withLowerCase(field: z.ZodType): z.ZodType {
  const { values } = describeField(field);
  if (values.length === 0) return field;
  return z
    .preprocess((value) => (typeof value === 'string' ? value.toUpperCase() : value), field)
    .optional()
    .meta({ type: 'string', enum: [...values.map((value) => value.toLowerCase()), ...values] });
}

/** The values of answers that these fields of a command accept, under the names of REST. */
export function answerFields(fields: z.ZodRawShape): Record<string, z.ZodType> {
  const shown = Object.entries(fields).map(([name, field]) => {
    const { type, description, isNullable } = describeField(field as z.ZodType);
    const value = type === 'integer' ? z.int() : type === 'boolean' ? z.boolean() : z.string();
    return [snakeName(name), (isNullable ? value.nullable() : value).meta({ description })];
  });
  return Object.fromEntries(shown);
}

/** A row in the names of REST: the fields that a command can change. */
export function toAnswer(
  fields: z.ZodRawShape,
  row: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((name) => [snakeName(name), row[name] ?? null]));
}

/** The input of a command from a body; parts have fields of their own. */
export function toInput(
  body: Readonly<Record<string, unknown>>,
  parts: readonly string[] = [],
): Record<string, unknown> {
  const renamed = Object.entries(body).map(([name, value]) => [
    camelName(name),
    parts.includes(name) && typeof value === 'object' && value !== null
      ? toInput(value as Readonly<Record<string, unknown>>)
      : value,
  ]);
  return Object.fromEntries(renamed);
}

/** The refusal of a command with its fields as the body names them. The keys of a configuration are those of the caller. */
export function withBodyNames(error: unknown): unknown {
  return renameFields(error, (path) => (path.startsWith('config.') ? path : snakeName(path)));
}
