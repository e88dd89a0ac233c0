import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';
import { findBreakingChanges, findDeprecatedWithoutDate, wayOut } from '../setup/schema-changes.js';

describe('the schema', () => {
  test('has no breaking change against schema.graphql', async () => {
    const committed = await readFile(join(import.meta.dirname, '../../schema.graphql'), 'utf8');
    expect(await findBreakingChanges(buildSchema(committed), schema), wayOut).toEqual([]);
  });

  test('says of every deprecated element until when it stays', () => {
    expect(findDeprecatedWithoutDate(schema), wayOut).toEqual([]);
  });
});

const before = `
  type Query { tenant(id: ID!, old: Int): Tenant  tenants(filter: Filter): [Tenant!]! }
  type Tenant { id: ID! name: String  label: String @deprecated(reason: "Use name. Removed after 2027-01-31.") }
  input Filter { text: String }
  enum Plan { LITE PRO TRIAL @deprecated(reason: "Use LITE. Removed after 2027-01-31.") }
  union Found = Tenant | Module
  type Module { name: String! plan: Plan }
`;

describe('of two schemas', () => {
  test.each<[string, string, string]>([
    ['a removed field', 'name: String  label', 'label'],
    ['a renamed field', 'name: String  label', 'title: String  label'],
    ['a field that becomes nullable', 'type Module { name: String!', 'type Module { name: String'],
    ['a field of another type', 'type Module { name: String!', 'type Module { name: ID!'],
    ['a removed argument', ', old: Int', ''],
    ['a new required argument', 'old: Int', 'old: Int, more: Int!'],
    ['an argument that becomes required', 'old: Int', 'old: Int!'],
    ['a new required input field', 'text: String', 'text: String more: Int!'],
    ['an input field that becomes required', 'text: String', 'text: String!'],
    ['a removed enum value', 'LITE PRO', 'LITE'],
    ['a removed member of a union', 'Tenant | Module', 'Tenant'],
    ['an input of another name', 'Filter', 'TenantFilter'],
  ])('%s is a breaking change', async (_what, present, wanted) => {
    expect(before).toContain(present);
    const after = before.replaceAll(present, wanted);
    expect(await findBreakingChanges(buildSchema(before), buildSchema(after))).not.toEqual([]);
  });

  test.each<[string, string, string]>([
    ['nothing', '', ''],
    ['a new field', 'name: String  label', 'name: String more: Int  label'],
    ['a field that is never null any more', 'name: String  label', 'name: String!  label'],
    ['a new optional argument', 'old: Int', 'old: Int, more: Int'],
    ['a new optional input field', 'text: String', 'text: String more: Int'],
    ['a new enum value', 'LITE PRO', 'LITE PRO ENTERPRISE'],
    ['a deprecation', 'old: Int', 'old: Int @deprecated(reason: "Unused. Removed after 2027-01-31.")'],
    [
      'the removal of a deprecated field',
      'label: String @deprecated(reason: "Use name. Removed after 2027-01-31.")',
      '',
    ],
    [
      'the removal of a deprecated enum value',
      'TRIAL @deprecated(reason: "Use LITE. Removed after 2027-01-31.")',
      '',
    ],
  ])('%s is no breaking change', async (_what, present, wanted) => {
    expect(before).toContain(present);
    const after = buildSchema(before.replace(present, wanted));
    expect(await findBreakingChanges(buildSchema(before), after)).toEqual([]);
  });

  test('a deprecation without a date is found, of fields, arguments, input fields and enum values', () => {
    const undated = before
      .replace('name: String  label', 'name: String @deprecated(reason: "Use label.")  label')
      .replace('old: Int', 'old: Int @deprecated')
      .replace('text: String', 'text: String @deprecated(reason: "Removed after the summer.")')
      .replace('LITE PRO', 'LITE PRO @deprecated');
    expect(findDeprecatedWithoutDate(buildSchema(before))).toEqual([]);
    expect(findDeprecatedWithoutDate(buildSchema(undated))).toEqual([
      'Query.old',
      'Tenant.name',
      'Filter.text',
      'Plan.PRO',
    ]);
  });
});
