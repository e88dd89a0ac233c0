import { identifier } from '../../../database/identifier.js';
import { type Part, textOf } from '../structure/part.js';
import { inSchema, ManualRepair, type RepairedSchema } from './part-sql.js';

/** Statements that give each role the rights in `expected`, and take away the other rights in `found`. A part is undefined when it grants nothing to any role. */
export function changeGrants(
  schema: RepairedSchema,
  expected: Part | undefined,
  found: Part | undefined,
): string[] {
  const part = expected ?? found;
  if (!part) return [];
  const { object, column } = objectOf(schema, part);
  const grantees = new Set([...Object.keys(expected?.facts ?? {}), ...Object.keys(found?.facts ?? {})]);
  return [...grantees].flatMap((grantee) => {
    const [wanted, present] = [listRights(expected, grantee), listRights(found, grantee)];
    const role = grantee === 'PUBLIC' ? 'PUBLIC' : identifier(grantee);
    const of = (right: string) => `${right.replace(' WITH GRANT OPTION', '')}${column}`;
    return [
      ...present
        .filter((right) => !wanted.includes(right))
        .map((right) => `REVOKE ${of(right)} ON ${object} FROM ${role}`),
      ...wanted
        .filter((right) => !present.includes(right))
        .map(
          (right) =>
            `GRANT ${of(right)} ON ${object} TO ${role}${right.endsWith('OPTION') ? ' WITH GRANT OPTION' : ''}`,
        ),
    ];
  });
}

/** Statements that take away rights that later objects would get. */
export function changeDefaultGrants(
  schema: RepairedSchema,
  expected: Part | undefined,
  found: Part | undefined,
): string[] {
  if (expected || !found) throw new ManualRepair('default rights that a file grants are granted by hand');
  const [, role, objects] = /^of role (.+) for (TABLES|SEQUENCES|ROUTINES|TYPES)$/.exec(found.name) ?? [];
  if (role === undefined) throw new ManualRepair('these default rights are revoked by hand');
  return Object.keys(found.facts).map(
    (grantee) =>
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${role} IN SCHEMA ${identifier(schema.schema)} REVOKE ALL ON ${objects} ` +
      `FROM ${grantee === 'PUBLIC' ? 'PUBLIC' : identifier(grantee)}`,
  );
}

function listRights(part: Part | undefined, grantee: string): string[] {
  const rights = part?.facts[grantee];
  return rights === undefined ? [] : textOf(rights).split(', ');
}

function objectOf(
  schema: RepairedSchema,
  { parent, name, columns }: Part,
): { object: string; column: string } {
  const named = inSchema(schema, parent);
  if (parent === null) return { object: `SCHEMA ${identifier(schema.schema)}`, column: '' };
  if (columns)
    return { object: named, column: ` (${columns.map((column) => identifier(column)).join(', ')})` };
  const owner = schema.parts.find(
    (part) => part.parent === null && part.name === name && part.kind !== 'grants',
  );
  switch (owner?.kind) {
    case 'function':
    case 'procedure':
    case 'aggregate':
      // The name has the types of the arguments, as PostgreSQL writes them.
      return { object: `ROUTINE ${identifier(schema.schema)}.${name}`, column: '' };
    case 'type':
      return { object: `TYPE ${named}`, column: '' };
    default: {
      const isSequence = schema.parts.some((part) => part.kind === 'sequence' && part.name === name);
      return { object: isSequence ? `SEQUENCE ${named}` : named, column: '' };
    }
  }
}
