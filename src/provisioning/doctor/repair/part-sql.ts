import { identifier } from '../../../database/identifier.js';
import { type Part, textOf } from '../structure/part.js';

/** The schema that is repaired, with the structure that the files make in it. */
export interface RepairedSchema {
  schema: string;
  /** Parts of the reference, with the name of this schema in their texts. */
  parts: readonly Part[];
}

/** Thrown for what no statement can derive from the files alone; the message names the way out. */
export class ManualRepair extends Error {}

/** "schema"."name" */
export function inSchema({ schema }: RepairedSchema, name: string | null): string {
  return `${identifier(schema)}.${identifier(name ?? '')}`;
}

export function textIn({ facts }: Part, fact: string): string {
  return textOf(facts[fact]);
}

/** "numeric(12,2) COLLATE … DEFAULT 0 NOT NULL" */
export function columnSql({ name, facts }: Part): string {
  const { type, collation, default: value, generated, identity, notNull } = facts;
  return [
    identifier(name),
    textOf(type),
    ...(collation === undefined ? [] : [`COLLATE ${textOf(collation)}`]),
    ...(value === undefined ? [] : [`DEFAULT ${textOf(value)}`]),
    ...(generated === undefined ? [] : [generatedSql(textOf(generated))]),
    ...(identity === undefined ? [] : [`GENERATED ${textOf(identity)} AS IDENTITY`]),
    ...(notNull === undefined ? [] : ['NOT NULL']),
  ].join(' ');
}

/** From "STORED total * 2". */
function generatedSql(text: string): string {
  const [kind = '', ...expression] = text.split(' ');
  return `GENERATED ALWAYS AS (${expression.join(' ')}) ${kind}`;
}

/** The options of CREATE and ALTER SEQUENCE. */
export function sequenceSql(part: Part): string {
  const cycle = part.facts.cycle === undefined ? 'NO CYCLE' : 'CYCLE';
  const [type, increment, min, max, start, cache] = ['type', 'increment', 'min', 'max', 'start', 'cache'].map(
    (fact) => textIn(part, fact),
  );
  return `AS ${type} INCREMENT BY ${increment} MINVALUE ${min} MAXVALUE ${max} START WITH ${start} CACHE ${cache} ${cycle}`;
}

export function policySql(schema: RepairedSchema, part: Part): string {
  const { using, check } = part.facts;
  return (
    `CREATE POLICY ${identifier(part.name)} ON ${inSchema(schema, part.parent)} AS ${textIn(part, 'mode')} FOR ${textIn(part, 'command')} ` +
    `TO ${textIn(part, 'roles')}${using === undefined ? '' : ` USING (${textOf(using)})`}${check === undefined ? '' : ` WITH CHECK (${textOf(check)})`}`
  );
}

/** ALTER TABLE … for triggers and rules that do not fire as usual. */
export function enabledSql(schema: RepairedSchema, noun: 'TRIGGER' | 'RULE', part: Part): string[] {
  const { enabled } = part.facts;
  if (enabled === undefined) return [];
  const state = { disabled: 'DISABLE', 'in replicas': 'ENABLE REPLICA', always: 'ENABLE ALWAYS' }[
    textOf(enabled)
  ];
  return [`ALTER TABLE ${inSchema(schema, part.parent)} ${state} ${noun} ${identifier(part.name)}`];
}
