/** The requests of each way of asking, and the comparison of every answer with what the registry's tables say. */
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { Contestant, ContestantName } from './contestants.js';

export interface Way {
  name: string;
  title: string;
  keysPerRequest: number;
  contestants: ContestantName[];
  questions: Question[];
}

interface Question {
  body: string;
  data: object;
}

interface Route {
  tenantId: string;
  schemaName: string;
  searchPath: string;
  databaseName: string;
}

const fields = '{ tenantId schemaName searchPath databaseName }';
const all: ContestantName[] = [
  ...(['bare', 'mercurius', 'gateway-open', 'gateway-key', 'gateway-traced'] as const),
  ...(['sql-prepared', 'apollo', 'sql-unprepared', 'yoga'] as const),
];

export async function readWays(pool: pg.Pool): Promise<Way[]> {
  const { rows } = await pool.query<Omit<Route, 'searchPath'>>(
    `SELECT tenant.id AS "tenantId", subscription.schema_name AS "schemaName", subscription.database_name AS "databaseName"
     FROM tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
     WHERE subscription.module = 'finance' AND tenant.status = 'active' ORDER BY random()`,
  );
  // In the order of the query's fields, as GraphQL answers.
  const routes = rows.map(({ tenantId, schemaName, databaseName }) => {
    return { tenantId, schemaName, searchPath: `"${schemaName}"`, databaseName };
  });
  const [first] = routes;
  if (!first) throw new Error('There is no tenant to ask for');
  const batch = (size: number): Way => ({
    name: `keys-${size}`,
    title: `${size} ${size === 1 ? 'key' : 'keys'} per request (tenantSchemas)`,
    keysPerRequest: size,
    contestants: ['gateway-key', 'mercurius'],
    questions: batches(routes, size).map(askForMany),
  });
  return [
    {
      name: 'text',
      title: 'constant query text',
      keysPerRequest: 1,
      contestants: all,
      questions: [askByText(first)],
    },
    {
      name: 'variables',
      title: `variables over ${routes.length.toLocaleString('en')} tenants`,
      keysPerRequest: 1,
      contestants: all,
      questions: routes.map(askByVariables),
    },
    ...[1, 100, 500].filter((size) => size <= routes.length).map(batch),
  ];
}

function askByText(route: Route): Question {
  const query = `{ tenantSchema(id: "${route.tenantId}", module: "finance") ${fields} }`;
  return { body: JSON.stringify({ query }), data: { tenantSchema: route } };
}

function askByVariables(route: Route): Question {
  const query = `query ($id: ID!) { tenantSchema(id: $id, module: "finance") ${fields} }`;
  const variables = { id: route.tenantId };
  return { body: JSON.stringify({ query, variables }), data: { tenantSchema: route } };
}

function askForMany(routes: Route[]): Question {
  const query = `query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { ... on TenantSchema ${fields} } }`;
  const variables = { keys: routes.map(({ tenantId }) => ({ id: tenantId, module: 'finance' })) };
  return { body: JSON.stringify({ query, variables }), data: { tenantSchemas: routes } };
}

/** All whole batches, at most a thousand of them. */
function batches(routes: Route[], size: number): Route[][] {
  const count = Math.min(1_000, Math.floor(routes.length / size));
  return Array.from({ length: count }, (_, at) => routes.slice(at * size, (at + 1) * size));
}

export function headersOf({ key }: Pick<Contestant, 'key'>): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(key && { authorization: `Bearer ${key}` }),
  };
}

/** Asks every question once, compares the answers with the tables, and returns their texts: the only ones that count. */
export async function verifyAnswers(contestant: Contestant, way: Way): Promise<string[]> {
  const texts: string[] = [];
  for (const { body, data } of way.questions) {
    const response = await fetch(contestant.url, { method: 'POST', headers: headersOf(contestant), body });
    const text = (await response.text()).trimEnd();
    const answer = response.status === 200 ? JSON.parse(text) : undefined;
    if (!answer || answer.errors || text.includes('\n') || !isDeepStrictEqual(answer.data, data))
      throw new Error(
        `${contestant.title} answers ${body.slice(0, 200)} with ${response.status} ${text.slice(0, 500)} ` +
          `instead of ${JSON.stringify(data).slice(0, 500)}`,
      );
    texts.push(text);
  }
  return texts;
}
