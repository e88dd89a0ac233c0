import fc from 'fast-check';
import {
  execute,
  GraphQLError,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { executePlan } from '../../../src/graphql/engine/execute-plan.js';
import { planQuery } from '../../../src/graphql/engine/plan.js';

/** The behaviour of a resolver at its next call. */
type Behaviour =
  | 'value'
  | 'null'
  | 'throw'
  | 'return an error'
  | 'later'
  | 'later null'
  | 'reject'
  | 'nonsense';

/** Behaviours are taken in the order of the questions, so two executions that ask alike are told alike. */
interface Script {
  behaviours: readonly Behaviour[];
  asked: number;
  seen: string[];
}

function behave(script: Script, value: unknown, info: GraphQLResolveInfo, args: object): unknown {
  const path: (string | number)[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = info.path; at; at = at.prev) path.unshift(at.key);
  const { fieldName, returnType, parentType, fieldNodes, variableValues, operation } = info;
  script.seen.push(
    `${parentType}.${fieldName}: ${returnType} ${path.join('.')} ${fieldNodes.length} ${operation.kind} ` +
      `${JSON.stringify(Object.entries(args).sort())} ${JSON.stringify(variableValues)} ${Object.keys(info.fragments)}`,
  );
  const behaviour = script.behaviours[script.asked++ % script.behaviours.length];
  switch (behaviour) {
    case 'null':
      return null;
    case 'throw':
      throw new Error(`thrown at ${path.join('.')}`);
    case 'return an error':
      return new GraphQLError(`returned at ${path.join('.')}`, { extensions: { code: 'X' } });
    case 'later':
      return Promise.resolve(value);
    case 'later null':
      return Promise.resolve(undefined);
    case 'reject':
      return Promise.reject(new Error(`rejected at ${path.join('.')}`));
    case 'nonsense':
      return { what: 'nothing that a scalar or a list takes' };
    default:
      return value;
  }
}

const field = (type: GraphQLOutputType, value: unknown) => ({
  type,
  args: {
    n: { type: GraphQLInt, defaultValue: 7 },
    s: { type: new GraphQLNonNull(GraphQLString), defaultValue: 'x' },
  },
  resolve: (_source: unknown, args: object, script: Script, info: GraphQLResolveInfo) =>
    behave(script, value, info, args),
});
const nonNull = (type: GraphQLOutputType) => new GraphQLNonNull(type);
const list = (type: GraphQLOutputType) => new GraphQLList(type);

const Leaf: GraphQLObjectType = new GraphQLObjectType({
  name: 'Leaf',
  fields: () => ({
    text: field(GraphQLString, 'text'),
    must: field(nonNull(GraphQLString), 'must'),
    number: field(GraphQLInt, 3),
    plain: { type: GraphQLString },
    node: field(Node, {}),
  }),
});
const Choice = new GraphQLUnionType({
  name: 'Choice',
  types: () => [Node, Leaf],
  resolveType: (value: { isLeaf?: unknown }) =>
    value.isLeaf === 'later' ? Promise.resolve('Leaf') : value.isLeaf ? 'Leaf' : 'Node',
});
const Node: GraphQLObjectType = new GraphQLObjectType({
  name: 'Node',
  fields: () => ({
    leaf: field(Leaf, { plain: 'plain' }),
    mustLeaf: field(nonNull(Leaf), { plain: () => 'called' }),
    leaves: field(list(Leaf), [{}, null, Promise.resolve({})]),
    mustLeaves: field(nonNull(list(nonNull(Leaf))), [{}, {}, {}]),
    matrix: field(list(list(nonNull(GraphQLInt))), [[1, 2], [3], null]),
    choice: field(Choice, { isLeaf: true }),
    choices: field(list(nonNull(Choice)), [{}, { isLeaf: true }, { isLeaf: 'later' }]),
    texts: field(list(GraphQLString), new Set(['a', 'b'])),
  }),
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: () => ({
      node: field(Node, {}),
      mustNode: field(nonNull(Node), {}),
      must: field(nonNull(GraphQLString), 'root'),
    }),
  }),
});

const documents = [
  '{ node { leaf { text must number plain } } }',
  '{ __typename node { __typename mustLeaf { text must plain } } must }',
  '{ mustNode { mustLeaf { must } leaves { must text } } node { leaf { text } } }',
  '{ node { mustLeaves { must text } matrix texts } }',
  '{ node { choice { __typename ... on Leaf { must text } ... on Node { texts } } choices { ...L ... on Node { leaf { must } } } } } fragment L on Leaf { number must }',
  'query ($n: Int, $s: String! = "d") { a: node(n: $n) { leaf(n: 1, s: "l") { text(s: $s) } } b: node(n: $n, s: $s) { texts } }',
  '{ node { leaf { text } ...F } node { leaf { must ...G } } } fragment F on Node { leaf { number } texts } fragment G on Leaf { text plain }',
  '{ a: node { x: leaf { node { leaf { must } mustLeaf { must } } } } b: node { leaf { node { leaves { must } } } } }',
  '{ toString: must constructor: node { valueOf: texts } }',
  'query ($n: Int!, $toString: Int) { must(n: $n) node(n: $toString) { leaf(s: "l", n: $n) { must } } }',
  'query ($constructor: Int) { node(n: $constructor) { texts } }',
];
const variables: (Record<string, unknown> | undefined)[] = [
  undefined,
  {},
  { n: 1 },
  { n: null, s: 'given' },
  { n: 1, s: 'given' },
  { n: 1, s: 'given', toString: 2, constructor: null },
  { n: 'no number' },
  { s: null },
  { n: 1.5, s: 7 },
];

const sync: Behaviour[] = ['value', 'null', 'throw', 'return an error', 'nonsense'];
const late: Behaviour[] = ['later', 'later null', 'reject'];

const drawn = (from: readonly Behaviour[]) => {
  const isGood = (one: Behaviour) => one === 'value' || one === 'later';
  const good = from.filter(isGood);
  const bad = from.filter((one) => !isGood(one));
  const behaviour = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...good) },
    { weight: 2, arbitrary: fc.constantFrom(...bad) },
  );
  return fc.array(behaviour, { minLength: 1, maxLength: 25 });
};

/**
 * Where an item of a list must not be null and fails at once, graphql-js forgets those that fail later, which would end
 * this process; there the behaviours of one run are of one kind.
 */
const scripts = (query: string) =>
  /mustLeaves|choices/.test(query) ? fc.oneof(drawn(sync), drawn(late)) : drawn([...sync, ...late]);

describe('a plan is executed as graphql-js executes the document', () => {
  test.each(documents)('%s', async (query) => {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const operation = getOperationAST(document);
    const plan = operation ? planQuery(schema, document, operation) : undefined;
    if (!plan) throw new Error('no plan');
    const property = fc.asyncProperty(
      scripts(query),
      fc.constantFrom(...variables),
      async (behaviours, variableValues) => {
        const script = (): Script => ({ behaviours, asked: 0, seen: [] });
        const [ours, theirs] = [script(), script()];
        const answer = executePlan(plan, ours, variableValues);
        const expected = execute({ schema, document, contextValue: theirs, variableValues });
        // Both wait, or neither does.
        expect(answer instanceof Promise).toBe(expected instanceof Promise);
        expect(JSON.stringify(await answer)).toBe(JSON.stringify(await expected));
        expect(ours.seen).toEqual(theirs.seen);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});

test('what fails after its list has failed already is nobody’s unhandled rejection', async () => {
  const document = parse('{ node { mustLeaves { must } } }');
  const operation = getOperationAST(document);
  const plan = operation ? planQuery(schema, document, operation) : undefined;
  if (!plan) throw new Error('no plan');
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const behaviours: Behaviour[] = ['value', 'value', 'reject', 'reject', 'throw'];
  const answer = await executePlan(plan, { behaviours, asked: 0, seen: [] }, {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', note);
  expect(answer).toMatchObject({
    data: { node: null },
    errors: [{ path: ['node', 'mustLeaves', 2, 'must'] }],
  });
  expect(unhandled).toEqual([]);
});

describe('graphql-js executes by itself', () => {
  test.each([
    ['directives', '{ node { leaf @skip(if: false) { text } } }'],
    ['directives on fragments', '{ node { ...F @include(if: true) } } fragment F on Node { texts }'],
    ['questions about the schema', '{ __schema { queryType { name } } }'],
    ['keys that no plain object takes', '{ __proto__: must }'],
    [
      'documents whose fragments multiply',
      `{ node { ...A } } ${[...'ABCDEFGH']
        .map((name, at) => {
          const next = at < 7 ? `...${'ABCDEFGH'[at + 1]}` : 'texts';
          return `fragment ${name} on Node { a: leaf { node { ${next} } } b: leaf { node { ${next} } } c: leaf { node { ${next} } } }`;
        })
        .join(' ')}`,
    ],
  ])('%s', (_what, query) => {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const operation = getOperationAST(document);
    expect(operation && planQuery(schema, document, operation)).toBeUndefined();
  });
});
