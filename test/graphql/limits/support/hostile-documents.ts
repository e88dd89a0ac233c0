/** A request that is meant to cost the gateway much. */
import { createDraw } from '../../../setup/random.js';

export interface HostileRequest {
  kind: string;
  query: string;
  variables?: Record<string, unknown>;
}

type Draw = (below: number) => number;

const times = (count: number, make: (at: number) => string, separator = ' ') =>
  Array.from({ length: count }, (_, at) => make(at)).join(separator);

const page =
  'edges { node { id name subscriptions { status history { edges { node { id steps { name } } } } } members { edges { node { email } } } } }';

const nestedTypes = (depth: number): string =>
  depth === 0 ? 'name' : `fields { type { ${nestedTypes(depth - 1)} } }`;

/** Ways to make a document expensive, each with sizes from small to absurd. */
const hostileKinds: Record<string, (draw: Draw) => Omit<HostileRequest, 'kind'>> = {
  'alias bomb of __typename': (draw) => ({
    query: `{ ${times(101 + draw(5_000), (at) => `a${at}: __typename`)} }`,
  }),
  'alias bomb of lists': (draw) => ({
    query: `{ ${times(20 + draw(200), (at) => `a${at}: tenants(first: 100) { totalCount ${page} }`)} }`,
  }),
  'alias bomb below one field': (draw) => ({
    query: `{ modules { ${times(101 + draw(3_000), (at) => `n${at}: name`)} } }`,
  }),
  'alias bomb of routes': (draw) => ({
    query: `{ ${times(501 + draw(1_000), (at) => `r${at}: tenantSchema(id: "t${at}", module: "finance") { schemaName }`)} }`,
  }),
  'huge pages within pages': (draw) => ({
    query: `query ($first: Int) { tenants(first: $first) { edges { node { subscriptions { history(first: ${50 + draw(1_000)}) { steps { name } } } members(first: 100) { edges { node { email } } } } } } }`,
    variables: { first: [100, 1_000, 2_147_483_647, 60][draw(4)] },
  }),
  'deep selection': (draw) => {
    const depth = 21 + draw(2_000);
    return { query: `${'{ a'.repeat(depth)}${' }'.repeat(depth)}` };
  },
  'deep inline fragments': (draw) => {
    const depth = 30 + draw(2_000);
    return { query: `{ ${'... on Query { '.repeat(depth)} __typename ${'} '.repeat(depth)} }` };
  },
  'deep value': (draw) => {
    const depth = 51 + draw(5_000);
    return {
      query: `{ tenants(filter: { config: ${'['.repeat(depth)}${']'.repeat(depth)} }) { totalCount } }`,
    };
  },
  'unclosed brackets': (draw) => ({ query: '{'.repeat(51 + draw(14_000)) }),
  'exponential fragments': (draw) => {
    const levels = 10 + draw(30);
    return {
      query: `{ ...F0 } ${times(levels, (at) => `fragment F${at} on Query { a${at}: modules { name } ${at + 1 < levels ? `...F${at + 1} ... on Query { b${at}: modules { name } ...F${at + 1} }` : ''} }`)}`,
    };
  },
  'exponential selections': (draw) => {
    const levels = 12 + draw(20);
    return {
      query: `{ tenant(id: "a") { ...F0 } } ${times(levels, (at) => `fragment F${at} on Tenant { ${at + 1 < levels ? times(2, (copy) => `s${copy}: subscriptions { ...G${at} ...G${at} }`) : 'id'} } fragment G${at} on ModuleSubscription { ${times(8, (copy) => `m${copy}: module { name ...M }`)} }`)} fragment M on Module { version }`,
    };
  },
  'fragment cycle': (draw) => {
    const length = 1 + draw(90);
    return {
      query: `{ ...F0 } ${times(length, (at) => `fragment F${at} on Query { __typename ...F${(at + 1) % length} }`)}`,
    };
  },
  'many spreads': (draw) => ({
    query: `{ ${times(51 + draw(4_000), () => '...F')} } fragment F on Query { __typename }`,
  }),
  'many fragments': (draw) => ({
    query: `{ ...F0 } ${times(101 + draw(1_500), (at) => `fragment F${at} on Query { ...F${at + 1} }`)}`,
  }),
  'directive overloading': (draw) => ({
    query: `{ __typename ${times(5 + draw(3_000), (at) => ['@include(if: true)', '@skip(if: false)', `@aa${at}`][at % 3] ?? '')} }`,
  }),
  'many directives': (draw) => ({
    query: `{ ${times(201 + draw(500), (at) => `a${at % 90}x${at}: modules @include(if: true) { name }`)} }`,
  }),
  'the same field again': (draw) => ({ query: `{ ${times(150 + draw(5_000), () => '__typename')} }` }),
  'overlapping fields': (draw) => {
    const width = 2 + draw(10);
    const nested = (depth: number): string =>
      depth === 0 ? 'name' : times(width, () => `modules { ${nested(depth - 1)} }`);
    return { query: `{ ${nested(2 + draw(2))} }` };
  },
  'overlapping fields in fragments': (draw) => {
    const count = 40 + draw(60);
    return {
      query: `{ tenants { edges { node { ${times(Math.min(count, 50), (at) => `...F${at}`)} } } } } ${times(count, (at) => `fragment F${at} on Tenant { ${times(20, (field) => `k${field}: subscriptions { x${at}: status }`)} ...F${(at * 7 + 1) % count} }`)}`,
    };
  },
  'nested introspection': (draw) => ({
    query: `{ __schema { types { ${nestedTypes(2 + draw(6))} } } }`,
  }),
  'introspection many times': (draw) => ({
    query: `{ ${times(20 + draw(80), (at) => `s${at}: __schema { types { name fields { name args { type { name } } type { name } } } }`)} }`,
  }),
  'many operations': (draw) => ({
    query: times(21 + draw(1_000), (at) => `query Q${at} { modules { name } }`),
  }),
  'many operations over large fragments': (draw) => ({
    query: `${times(20, (at) => `query Q${at}($v: ID!) { ...F0 }`)} ${times(90, (at) => `fragment F${at} on Query { ${times(3 + draw(10), (field) => `a${at}x${field}: tenant(id: $v) { name }`)} ${at < 89 ? `...F${at + 1}` : ''} }`)}`,
  }),
  'many unknown fields': (draw) => ({ query: `{ ${times(100 + draw(4_000), (at) => `tenan${at}`)} }` }),
  'many unknown arguments': (draw) => ({
    query: `{ tenants(${times(100 + draw(3_000), (at) => `firs${at}: 1`)}) { totalCount } }`,
  }),
  'many variables': (draw) => {
    const count = 500 + draw(2_000);
    return {
      query: `query (${times(count, (at) => `$v${at}: ID!`)}) { ${times(90, (at) => `a${at}: tenant(id: $v${at}) { name }`)} }`,
      variables: Object.fromEntries(Array.from({ length: count }, (_, at) => [`v${at}`, at])),
    };
  },
  'huge variable': (draw) => ({
    query: 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }',
    variables: {
      keys: Array.from({ length: 501 + draw(8_000) }, (_, at) => ({ id: `t${at}`, module: 'finance' })),
    },
  }),
  'deep variable': (draw) => {
    let config: unknown = 1;
    for (let depth = 1_000 + draw(3_000); depth > 0; depth--) config = depth % 2 ? [config] : { a: config };
    return {
      query: 'query ($c: JSON) { tenants(filter: { config: $c }) { totalCount } }',
      variables: { c: config },
    };
  },
  'many tokens': (draw) => ({ query: `{ ${'a '.repeat(15_001 + draw(60_000))} }` }),
  'long text': (draw) => ({
    query: `{ tenant(id: "${'x'.repeat(100_000 + draw(500_000))}") { name } }`,
  }),
  comments: (draw) => ({ query: `${'#\n'.repeat(50_000 + draw(100_000))}{ __typename }` }),
  'unusual brackets': (draw) => ({
    query: times(
      200 + draw(5_000),
      () => ['{', '}', '(', ')', '[', ']', '...', '@a', '$v', ':', '"'][draw(11)] ?? '',
    ),
  }),
};

/** The requests of a seed; as many of each kind. */
export function hostileRequests(seed: number, count: number): HostileRequest[] {
  const draw = createDraw(seed);
  const kinds = Object.entries(hostileKinds);
  return Array.from({ length: count }, (_, at) => {
    const [kind, make] = kinds[at % kinds.length] as (typeof kinds)[number];
    return { kind, ...make(draw) };
  });
}
