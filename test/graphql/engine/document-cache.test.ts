import { buildSchema, type GraphQLSchema, parse, validate } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { openDocumentCache, type Validate } from '../../../src/graphql/engine/document-cache.js';

const before = buildSchema('type Query { a: String b: String }');
const after = buildSchema('type Query { b: Int }');

let schema: GraphQLSchema;
let validated: string[];
const check: Validate = (current, query) => {
  validated.push(query);
  const document = parse(query);
  const errors = validate(current, document);
  return errors.length > 0 ? { errors } : { document };
};
const open = () => {
  const cache = openDocumentCache({ schema: () => schema, validate: check });
  const prepare = (query: string, operationName: string | undefined) => {
    const prepared = cache.prepare(query, operationName);
    return prepared && 'errors' in prepared ? 'refused' : prepared;
  };
  return { prepare };
};
const keysOf = (prepared: ReturnType<ReturnType<typeof open>['prepare']>) =>
  prepared === 'refused' ? [] : prepared?.plan?.root.fields.map(({ key }) => key);
const schemaOf = (prepared: ReturnType<ReturnType<typeof open>['prepare']>) =>
  prepared === 'refused' ? undefined : prepared?.plan?.schema;
beforeEach(() => {
  schema = before;
  validated = [];
});

describe('a document', () => {
  test('is read once, and once again for another operation only as far as that is another', () => {
    const cache = open();
    const query = 'query A { a } query B { b }';
    const first = cache.prepare(query, 'A');
    expect(keysOf(first)).toEqual(['a']);
    expect(cache.prepare(query, 'A')).toBe(first);
    expect(keysOf(cache.prepare(query, 'B'))).toEqual(['b']);
    expect(cache.prepare(query, undefined)).toBeUndefined();
    expect(cache.prepare(query, 'C')).toBeUndefined();
    expect(validated).toEqual([query]);
  });

  test('of one schema is not executed by another', () => {
    const cache = open();
    expect(cache.prepare('{ a }', undefined)).toBeDefined();
    expect(schemaOf(cache.prepare('{ b }', undefined))).toBe(before);
    schema = after;
    expect(cache.prepare('{ a }', undefined)).toBe('refused');
    expect(schemaOf(cache.prepare('{ b }', undefined))).toBe(after);
  });

  test('that is refused is read once, too', () => {
    const cache = open();
    expect(cache.prepare('{ c }', undefined)).toBe('refused');
    expect(cache.prepare('{ c }', undefined)).toBe('refused');
    expect(validated).toEqual(['{ c }']);
  });

  test('that is very long is not kept', () => {
    const cache = open();
    const query = `{ a } ${'#'.repeat(50_000)}`;
    expect(cache.prepare(query, undefined)).toBeDefined();
    expect(cache.prepare(query, undefined)).toBeDefined();
    expect(validated).toHaveLength(2);
  });

  test('is forgotten for newer ones beyond a bound', () => {
    const cache = open();
    for (let at = 0; at <= 2_000; at++) cache.prepare(`{ a${at}: a }`, undefined);
    validated = [];
    cache.prepare('{ a2000: a }', undefined);
    expect(validated).toEqual([]);
    cache.prepare('{ a0: a }', undefined);
    expect(validated).toEqual(['{ a0: a }']);
  });
});
