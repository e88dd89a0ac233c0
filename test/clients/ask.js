/**
 * Asks a gateway by one of the GraphQL clients, with what it sends by default: `node ask.js <client> <url>`. Prints what it got: a route, the
 * code of a refusal, and the first change after a mutation of its own.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { createClient as createUrqlClient, fetchExchange, gql as urqlGql } from '@urql/core';
import { createClient as createHttpClient } from 'graphql-http';
import { GraphQLClient } from 'graphql-request';
import { createClient as createSseClient } from 'graphql-sse';

const require = createRequire(import.meta.url);

const route = `query Route($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }`;
const register = `mutation Register($name: String!) { registerTenant(input: { name: $name }) { revision } }`;
const follow = `subscription Follow { routesChanged { kind } }`;
const codeOf = (errors) => errors?.[0]?.extensions?.code;
/** A new one each time: the slug is made of it. */
const newName = () => `Registered at ${performance.timeOrigin + performance.now()}`;

/** Apollo Client, both majors. */
async function apollo(folder, url, { isPersisted = false } = {}) {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = require(`${folder}/core`);
  let link = new HttpLink({ uri: url });
  if (isPersisted) {
    const { createPersistedQueryLink, PersistedQueryLink } = require(`${folder}/link/persisted-queries`);
    const sha256 = (text) => createHash('sha256').update(text).digest('hex');
    link = (
      PersistedQueryLink ? new PersistedQueryLink({ sha256 }) : createPersistedQueryLink({ sha256 })
    ).concat(link);
  }
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const ask = (id) => client.query({ query: gql(route), variables: { id } });
  const refused = await ask('nobody').then(
    () => 'not refused',
    (error) => codeOf(error.graphQLErrors ?? error.errors) ?? error.message,
  );
  const change = await firstOf((next, fail) => {
    const observable = client.subscribe({ query: gql(follow) });
    const subscription = observable.subscribe({
      next: ({ data }) => next(data.routesChanged.kind),
      error: fail,
    });
    void until(() => client.mutate({ mutation: gql(register), variables: { name: newName() } }));
    return () => subscription.unsubscribe();
  });
  const { data } = await ask('acme');
  client.stop();
  return { route: data.tenantSchema.schemaName, refused, change };
}

async function urql(url) {
  const client = createUrqlClient({ url, exchanges: [fetchExchange], fetchSubscriptions: true });
  const ask = (id) => client.query(urqlGql(route), { id }).toPromise();
  const change = await firstOf((next, fail) => {
    client
      .subscription(urqlGql(follow), {})
      .subscribe(({ data, error }) => (error ? fail(error) : next(data.routesChanged.kind)));
    void until(() => client.mutation(urqlGql(register), { name: newName() }).toPromise());
    // An end would be an error that nobody catches: urql 6 reads on from the request that it has aborted.
    return () => undefined;
  });
  return {
    route: (await ask('acme')).data.tenantSchema.schemaName,
    refused: codeOf((await ask('nobody')).error.graphQLErrors),
    change,
  };
}

async function graphqlRequest(url) {
  const client = new GraphQLClient(url);
  return {
    route: (await client.request(route, { id: 'acme' })).tenantSchema.schemaName,
    refused: await client.request(route, { id: 'nobody' }).catch((error) => codeOf(error.response.errors)),
  };
}

async function graphqlHttp(url) {
  const client = createHttpClient({ url });
  const ask = (id) =>
    new Promise((resolve, reject) => {
      let result;
      client.subscribe(
        { query: route, operationName: 'Route', variables: { id } },
        { next: (value) => (result = value), error: reject, complete: () => resolve(result) },
      );
    });
  return {
    route: (await ask('acme')).data.tenantSchema.schemaName,
    refused: codeOf((await ask('nobody')).errors),
  };
}

async function graphqlSse(url, options) {
  const client = createSseClient({ url, retryAttempts: 0, ...options });
  const change = await firstOf((next, fail) => {
    const stop = client.subscribe(
      { query: follow },
      {
        next: ({ data }) => next(data.routesChanged.kind),
        error: fail,
        complete: () => undefined,
      },
    );
    const ask = (query, variables) =>
      new Promise((resolve, reject) => {
        let result;
        client.subscribe(
          { query, variables },
          { next: (value) => (result = value), error: reject, complete: () => resolve(result) },
        );
      });
    void until(() => ask(register, { name: newName() }));
    return stop;
  });
  return { change };
}

/** Answers with the refusal of the single connection mode, in the words of the answer: the client tells the status only. */
async function singleConnection(url) {
  let refusal;
  const fetchFn = async (...request) => {
    const response = await fetch(...request);
    if (!response.ok) refusal ??= (await response.clone().json()).errors[0].message;
    return response;
  };
  const told = await graphqlSse(url, { singleConnection: true, fetchFn }).catch((error) => error.message);
  return { told, refusal };
}

/** The first value of a subscription; mutations go on until it has come. */
async function firstOf(start) {
  let stop = () => undefined;
  try {
    return await new Promise((resolve, reject) => {
      stop = start(resolve, reject);
    });
  } finally {
    isOver = true;
    stop();
  }
}

let isOver = false;
/** Nothing says when a subscription begins to see changes. */
async function until(change) {
  while (!isOver) {
    await change().catch(() => undefined);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

const clients = {
  'Apollo Client 3': (url) => apollo('apollo-client-3', url),
  'Apollo Client 4': (url) => apollo('apollo-client-4', url),
  'Apollo Client 3 with persisted queries': (url) => apollo('apollo-client-3', url, { isPersisted: true }),
  'Apollo Client 4 with persisted queries': (url) => apollo('apollo-client-4', url, { isPersisted: true }),
  urql,
  'graphql-request': graphqlRequest,
  'graphql-http': graphqlHttp,
  'graphql-sse, distinct connections': (url) => graphqlSse(url),
  'graphql-sse, single connection': singleConnection,
};

const [client, url] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await clients[client](url)));
process.exit(0);
