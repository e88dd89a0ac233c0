import document from '../../generated/tenant-config-schema.json';
import { isObject } from '../../parts/differences/differences.js';

/** The parts of JSON Schema that the schema of a configuration uses. */
export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  pattern?: string;
  maxLength?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  $ref?: string;
}

export const configSchema = document as unknown as Schema & { $defs?: Record<string, Schema> };

export interface Problem {
  path: readonly (string | number)[];
  message: string;
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (configSchema.$defs?.[name] ?? {});
}

/** What the schema does not allow, by place. The registry checks more when the configuration is saved. */
export function findProblems(value: unknown, given: Schema, path: Problem['path'] = []): Problem[] {
  const schema = resolve(given);
  const wrong = (message: string): Problem[] => [{ path, message }];
  if (schema.anyOf) {
    const all = schema.anyOf.map((one) => findProblems(value, one, path));
    return all.some((problems) => problems.length === 0) ? [] : (all[0] ?? []);
  }
  if (schema.type && !hasType(value, schema.type)) return wrong(`Expected ${schema.type}.`);
  if (typeof value === 'string') {
    if (schema.maxLength !== undefined && value.length > schema.maxLength)
      return wrong(`At most ${schema.maxLength} characters.`);
    if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value))
      return wrong(`Expected the form ${schema.pattern}.`);
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return wrong(`At least ${schema.minimum}.`);
    if (schema.maximum !== undefined && value > schema.maximum) return wrong(`At most ${schema.maximum}.`);
  }
  if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      return wrong(`At most ${schema.maxItems} entries.`);
    return schema.items
      ? value.flatMap((one, at) => findProblems(one, schema.items ?? {}, [...path, at]))
      : [];
  }
  return isObject(value) ? findObjectProblems(value, schema, path) : [];
}

function findObjectProblems(
  value: Record<string, unknown>,
  schema: Schema,
  path: Problem['path'],
): Problem[] {
  const missing = (schema.required ?? [])
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => ({ path, message: `“${name}” is missing.` }));
  const inside = Object.entries(value).flatMap(([name, one]): Problem[] => {
    const known = own(schema.properties, name);
    if (known) return findProblems(one, known, [...path, name]);
    if (schema.additionalProperties === false)
      return [{ path: [...path, name], message: `“${name}” is no field here.` }];
    return isObject(schema.additionalProperties)
      ? findProblems(one, schema.additionalProperties as Schema, [...path, name])
      : [];
  });
  return [...missing, ...inside];
}

/** What the object itself has: names of the configuration are anybody's, such as “constructor”. */
function own<Value>(object: Record<string, Value> | undefined, name: string): Value | undefined {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** The fields that an object at this place may have. */
export function fieldsAt(path: readonly (string | number)[]): Record<string, Schema> {
  let schema: Schema = configSchema;
  for (const part of path) {
    const here = resolve(schema);
    const next = typeof part === 'number' ? here.items : own(here.properties, part);
    if (!next) return {};
    schema = next;
  }
  return resolve(schema).properties ?? {};
}
