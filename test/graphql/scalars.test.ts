import type { GraphQLScalarType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';

const scalar = (name: string) => schema.getType(name) as GraphQLScalarType;

test('the scalars with a public specification name it', () => {
  const urls = ['DateTime', 'JSON', 'ModuleName', 'Revision', 'Scope'].map((name) => [
    name,
    scalar(name).specifiedByURL ?? null,
  ]);
  expect(Object.fromEntries(urls)).toEqual({
    DateTime: 'https://scalars.graphql.org/andimarek/date-time',
    JSON: 'https://www.rfc-editor.org/rfc/rfc8259',
    ModuleName: null,
    Revision: null,
    Scope: null,
  });
});

test.each([
  // The valid examples of the specification.
  ['2011-08-30T13:22:53.108Z', '2011-08-30T13:22:53.108Z'],
  ['2011-08-30T13:22:53.108+00:00', '2011-08-30T13:22:53.108Z'],
  ['2011-08-30t13:22:53.108z', '2011-08-30T13:22:53.108Z'],
  ['2011-08-30T13:22:53.108-03:00', '2011-08-30T16:22:53.108Z'],
  ['2011-08-30T13:22:53.108+03:30', '2011-08-30T09:52:53.108Z'],
  // Accepted beyond it.
  ['2011-08-30T13:22:53Z', '2011-08-30T13:22:53.000Z'],
  ['2011-08-30T13:22:53.108912Z', '2011-08-30T13:22:53.108Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
])('DateTime %s is %s', (text, answer) => {
  expect(scalar('DateTime').serialize(scalar('DateTime').parseValue(text))).toBe(answer);
});

test.each([
  '2011-08-30T13:22:53.108-03',
  '2011-08-30T13:22:53.108',
  '2011-08-30',
  '2011-08-30T13:22:53.108+03:30:15',
  '2011-08-30T24:22:53.108Z',
  '2010-02-30T21:22:53.108Z',
  '2010-02-11T21:22:53.108Z+25:11',
  '2010-02-11T21:22:53.108+25:11',
  '2023-02-29T00:00:00Z',
  '2011-08-30 13:22:53Z',
  '+200000-01-01T00:00:00Z',
  'March 7, 2026',
  '1',
  '',
  1_700_000_000_000,
  null,
])('DateTime %j is refused', (value) => {
  expect(() => scalar('DateTime').parseValue(value)).toThrow('must be an ISO 8601 moment');
});
