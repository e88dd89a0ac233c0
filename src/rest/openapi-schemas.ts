import { z } from 'zod';
import { TenantConfigShape } from '../profile/config/tenant-config.js';
import { Failure } from './answer.js';
import {
  CreatedTenant,
  NewBranding,
  NewSettings,
  NewTenant,
  Tenant,
  TenantBranding,
  TenantSettings,
} from './tenant.js';

/** Schemas with a name of their own, to which the others refer. */
const answers = { Tenant, CreatedTenant, TenantSettings, TenantBranding, Error: Failure };
const bodies = { NewTenant, NewTenantSettings: NewSettings, NewTenantBranding: NewBranding };
const nameBySchema = new Map<z.ZodType, string>(
  [...Object.entries(answers), ...Object.entries(bodies)].map(([name, schema]) => [schema, name]),
);

/** The reference to a schema with a name, or a list of them. */
export function referTo(schema: z.ZodType): object {
  if (schema instanceof z.ZodArray) return { type: 'array', items: referTo(schema.element as z.ZodType) };
  const name = nameBySchema.get(schema);
  if (name === undefined) throw new Error('a schema of an endpoint has no name in openapi.json');
  return { $ref: `#/components/schemas/${name}` };
}

/** JSON Schema of a body or a parameter (input), or of an answer (output). */
export function toSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...described } = z.toJSONSchema(schema, {
    io,
    // The configuration is a schema of its own.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => withoutNull(zodSchema, jsonSchema),
  });
  return simplify(described) as object;
}

/** Rules in code are missing in a JSON Schema: a field that may be absent accepts null there, although its rule refuses it. */
function withoutNull(field: z.core.$ZodType, described: z.core.JSONSchema.BaseSchema): void {
  if (z.safeParse(field, null).success) return;
  const { type, anyOf } = described;
  const [only] = Array.isArray(type) ? type.filter((one) => one !== 'null') : [];
  if (only) described.type = only;
  if (anyOf) described.anyOf = anyOf.filter((one) => one.type !== 'null');
}

/** Replaces choices of one schema by that schema. Only now all of them are complete. */
function simplify(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplify);
  if (typeof value !== 'object' || value === null) return value;
  const { anyOf, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, simplify(inner)]),
  );
  if (!Array.isArray(anyOf)) return rest;
  return anyOf.length === 1 ? { ...anyOf[0], ...rest } : { ...rest, anyOf };
}

/** The schemas with a name. */
export function describeSchemas(): Record<string, object> {
  return {
    ...mapValues(answers, (schema) => toSchema(schema, 'output')),
    ...mapValues(bodies, (schema) => toSchema(schema, 'input')),
    TenantConfig: placeDefinitions(toSchema(TenantConfigShape, 'input'), 'TenantConfig'),
  };
}

/** References of a schema to its own definitions are from the root of the document. */
function placeDefinitions(schema: object, name: string): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', `"#/components/schemas/${name}/$defs/`));
}

function mapValues<T>(schemas: Record<string, T>, describe: (schema: T) => object): Record<string, object> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, describe(schema)]));
}
