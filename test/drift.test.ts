import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema, lexicographicSortSchema, parse, print, printSchema } from 'graphql';
import { expect, inject, test } from 'vitest';
import { findSchemaDrift } from '../src/database/migrations/schema-drift.js';
import { schema } from '../src/graphql/schema.js';

const root = join(import.meta.dirname, '..');
const sdl = await readFile(join(root, 'schema.graphql'), 'utf8');

test('schema.graphql is the schema that the gateway serves', () => {
  expect(sdl).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
});

test('schema.graphql reads back as the same schema', () => {
  expect(`${printSchema(buildSchema(sdl))}\n`).toBe(sdl);
  const printed = print(parse(sdl));
  expect(print(parse(printed))).toBe(printed);
});

test('the type ModuleSubscription in schema.graphql does not become the root type of subscriptions', () => {
  const read = buildSchema(sdl);
  expect(read.getType('ModuleSubscription')).toBeDefined();
  expect([undefined, 'Subscription']).toContain(read.getSubscriptionType()?.name);
  expect(read.getSubscriptionType()?.name).toBe(schema.getSubscriptionType()?.name);
});

test('prisma/migrations create the tables of prisma/schema.prisma', async () => {
  expect(await findSchemaDrift(inject('postgresUrl'))).toBe('');
});
