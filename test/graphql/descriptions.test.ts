import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';
import { languageProblems } from '../setup/plain-language.js';

interface Described {
  /** Path such as "Query.tenant(id)". */
  path: string;
  description: string;
  /** Elements with the same meaning have the same one and may share a description; undefined: it shares none. */
  meaning: string | undefined;
}

/** Short texts such as "Display name." may stand at several fields. */
const mostWordsShared = 3;

describe('descriptions of the schema', () => {
  test('are plain sentences', () => {
    const elements = describedElements();
    expect(elements.length).toBeGreaterThan(500);
    const wrong = elements.flatMap(({ path, description }) =>
      languageProblems(description).map((problem) => `${path} ${problem}: ${description}`),
    );
    expect(wrong).toEqual([]);
  });

  test('are told apart, except for arguments, input fields and payload fields of one name', () => {
    expect(findRepeated(describedElements())).toEqual([]);
  });
});

describe('these rules', () => {
  test.each([
    ['What to do.', ['begins without a subject']],
    ['Whom to let go on.', ['begins without a subject']],
    ['Whoever holds it.', ['begins without a subject']],
    ['From when it opens nothing.', ['begins without a subject']],
    ['Of what nobody keeps.', ['begins without a subject']],
    ['the tenant', ['does not begin with a capital letter', 'does not end with a period']],
    ['Input of resumeTenant.', []],
    ['When the key expires.', []],
    ['Whether the list continues.', []],
    ['Official name.', []],
    ['Ends it. Errors: CONFLICT Null when it is refused.', ['lacks a period between two sentences']],
  ])('"%s" has the problems %j', (text, problems) => {
    expect(languageProblems(text)).toEqual(problems);
  });

  test('find a description that two elements share', () => {
    const description = 'Location of the data.';
    const one = { path: 'A.place', description, meaning: undefined };
    const other = { path: 'B.place', description, meaning: undefined };
    expect(findRepeated([one, other])).toEqual([`"${description}" at A.place, B.place`]);
    const input = { ...one, meaning: 'input place' };
    expect(findRepeated([input, { ...other, meaning: 'input place' }])).toEqual([]);
    expect(findRepeated([input, other])).toHaveLength(1);
    expect(findRepeated([input, { ...other, meaning: 'input room' }])).toHaveLength(1);
    expect(findRepeated([one, other].map((each) => ({ ...each, description: 'Display name.' })))).toEqual([]);
  });
});

function describedElements(): Described[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((type) => [
      { path: type.name, description: type.description ?? '', meaning: undefined },
      ...describedParts(type),
    ]);
}

function describedParts(type: GraphQLNamedType): Described[] {
  if (isEnumType(type))
    return type.getValues().map(({ name, description }) => ({
      path: `${type.name}.${name}`,
      description: description ?? '',
      meaning: undefined,
    }));
  if (isInputObjectType(type))
    return Object.values(type.getFields()).map(({ name, description }) => ({
      path: `${type.name}.${name}`,
      description: description ?? '',
      meaning: `input ${name}`,
    }));
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const isRepeatedShape = /(Payload|Connection|Edge)$/.test(type.name);
  return Object.values(type.getFields()).flatMap(({ name, description, args }) => [
    {
      path: `${type.name}.${name}`,
      description: description ?? '',
      meaning: isRepeatedShape ? `payload ${name}` : undefined,
    },
    ...args.map((arg) => ({
      path: `${type.name}.${name}(${arg.name})`,
      description: arg.description ?? '',
      meaning: `input ${arg.name}`,
    })),
  ]);
}

function findRepeated(elements: readonly Described[]): string[] {
  const descriptions = new Set(elements.map(({ description }) => description));
  return [...descriptions].flatMap((description) => {
    const sharing = elements.filter((element) => element.description === description);
    const meanings = new Set(sharing.map(({ meaning }) => meaning));
    const isShared = sharing.length > 1 && (meanings.size > 1 || meanings.has(undefined));
    if (!isShared || description.split(/\s+/).length <= mostWordsShared) return [];
    return [`"${description}" at ${sharing.map(({ path }) => path).join(', ')}`];
  });
}
