import { identifier } from '../../../database/identifier.js';
import { type Part, textOf } from '../structure/part.js';
import { inSchema, ManualRepair, type RepairedSchema } from './part-sql.js';

/** How a part of each kind is dropped. Without CASCADE: what depends on it is refused by PostgreSQL, which names it. */
const drops: Record<string, (part: Part, schema: RepairedSchema) => string> = {
  table: (part, schema) =>
    `DROP ${textOf(part.facts.kind) === 'foreign' ? 'FOREIGN TABLE' : 'TABLE'} ${inSchema(schema, part.name)}`,
  column: (part, schema) =>
    `ALTER TABLE ${inSchema(schema, part.parent)} DROP COLUMN ${identifier(part.name)}`,
  constraint: (part, schema) =>
    `ALTER TABLE ${inSchema(schema, part.parent)} DROP CONSTRAINT ${identifier(part.name)}`,
  index: (part, schema) => `DROP INDEX ${inSchema(schema, part.name)}`,
  sequence: (part, schema) => `DROP SEQUENCE ${inSchema(schema, part.name)}`,
  view: (part, schema) => `DROP VIEW ${inSchema(schema, part.name)}`,
  'materialized view': (part, schema) => `DROP MATERIALIZED VIEW ${inSchema(schema, part.name)}`,
  // The name has the types of the arguments, as PostgreSQL writes them.
  function: (part, schema) => `DROP FUNCTION ${identifier(schema.schema)}.${part.name}`,
  procedure: (part, schema) => `DROP PROCEDURE ${identifier(schema.schema)}.${part.name}`,
  aggregate: (part, schema) => `DROP AGGREGATE ${identifier(schema.schema)}.${part.name}`,
  trigger: (part, schema) => `DROP TRIGGER ${identifier(part.name)} ON ${inSchema(schema, part.parent)}`,
  rule: (part, schema) => `DROP RULE ${identifier(part.name)} ON ${inSchema(schema, part.parent)}`,
  policy: (part, schema) => `DROP POLICY ${identifier(part.name)} ON ${inSchema(schema, part.parent)}`,
  statistics: (part, schema) => `DROP STATISTICS ${inSchema(schema, part.name)}`,
  type: (part, schema) =>
    `DROP ${textOf(part.facts.kind) === 'domain' ? 'DOMAIN' : 'TYPE'} ${inSchema(schema, part.name)}`,
  attribute: (part, schema) =>
    `ALTER TYPE ${inSchema(schema, part.parent)} DROP ATTRIBUTE ${identifier(part.name)}`,
  'domain constraint': (part, schema) =>
    `ALTER DOMAIN ${inSchema(schema, part.parent)} DROP CONSTRAINT ${identifier(part.name)}`,
};

/** Throws ManualRepair. */
export function dropPart(part: Part, schema: RepairedSchema): string[] {
  const drop = drops[part.kind];
  if (!drop) throw new ManualRepair(`a ${part.kind} is dropped by hand`);
  return [drop(part, schema)];
}
