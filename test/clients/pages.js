/**
 * Reads all tenants page by page with the cache of a GraphQL client, renames one of them, and reads the list again:
 * `node pages.js <client> <url> <tenant to rename>`. Prints the names before and after, and how many requests the second reading took.
 */
import { createRequire } from 'node:module';
import { cacheExchange, createClient, fetchExchange, gql as urqlGql } from '@urql/core';
import { cacheExchange as normalisedCacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { getIntrospectionQuery } from 'graphql';

const require = createRequire(import.meta.url);

const list = `query Tenants($first: Int!, $after: String) {
  tenants(first: $first, after: $after, orderBy: { field: SLUG }) { edges { cursor node { id name } } pageInfo { hasNextPage endCursor } }
}`;
const rename = `mutation Rename($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id name } } }`;
const first = 2;
const namesOf = ({ tenants }) => tenants.edges.map(({ node }) => node.name);

let requests = 0;
const countingFetch = (...request) => {
  requests++;
  return fetch(...request);
};

/** Each page is read by a query of its own; `read` returns the data of one. */
async function readPages(read) {
  const pages = [];
  for (let after; ; ) {
    const data = await read({ first, ...(after && { after }) });
    pages.push(data);
    if (!data.tenants.pageInfo.hasNextPage) return pages;
    after = data.tenants.pageInfo.endCursor;
  }
}

async function apollo(url, input) {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = require('apollo-client-4/core');
  const { relayStylePagination } = require('apollo-client-4/utilities');
  const cache = new InMemoryCache({
    typePolicies: { Query: { fields: { tenants: relayStylePagination(['filter', 'orderBy']) } } },
  });
  const client = new ApolloClient({ link: new HttpLink({ uri: url, fetch: countingFetch }), cache });
  const query = gql(list);
  let after;
  for (;;) {
    const { data } = await client.query({ query, variables: { first, after }, fetchPolicy: 'network-only' });
    if (!data.tenants.pageInfo.hasNextPage) break;
    after = data.tenants.pageInfo.endCursor;
  }
  const whole = () => namesOf(cache.readQuery({ query, variables: { first } }));
  const before = whole();
  await client.mutate({ mutation: gql(rename), variables: { input } });
  requests = 0;
  const result = { before, after: whole(), requests };
  client.stop();
  return result;
}

async function urql(url, input) {
  const client = createClient({ url, fetch: countingFetch, exchanges: [cacheExchange, fetchExchange] });
  const read = async (variables) => (await client.query(urqlGql(list), variables).toPromise()).data;
  const before = (await readPages(read)).flatMap(namesOf);
  requests = 0;
  await readPages(read);
  if (requests > 0) throw new Error('pages were not in the cache');
  await client.mutation(urqlGql(rename), { input }).toPromise();
  requests = 0;
  const after = (await readPages(read)).flatMap(namesOf);
  return { before, after, requests };
}

async function urqlNormalised(url, input) {
  const asked = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const answer = await fetch(url, { ...asked, body: JSON.stringify({ query: getIntrospectionQuery() }) });
  const { data: schema } = await answer.json();
  const warnings = [];
  const cache = normalisedCacheExchange({
    schema,
    resolvers: { Query: { tenants: relayPagination() } },
    // A field that was not read yet is told as 'debug'.
    logger: (severity, message) => severity !== 'debug' && warnings.push(message),
  });
  const client = createClient({ url, fetch: countingFetch, exchanges: [cache, fetchExchange] });
  // The cache adds each page to those before it.
  const whole = async () => {
    let last;
    for (let after; ; after = last.tenants.pageInfo.endCursor) {
      last = (await client.query(urqlGql(list), { first, ...(after && { after }) }).toPromise()).data;
      if (!last.tenants.pageInfo.hasNextPage) return namesOf(last);
    }
  };
  const before = await whole();
  await client.mutation(urqlGql(rename), { input }).toPromise();
  requests = 0;
  const after = await whole();
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
  return { before, after, requests };
}

const clients = { 'Apollo Client 4': apollo, urql, 'urql with a normalised cache': urqlNormalised };
const [client, url, tenantId] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await clients[client](url, { tenantId, name: 'Renamed' })));
process.exit(0);
