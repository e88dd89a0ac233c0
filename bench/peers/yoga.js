/** GraphQL Yoga as its documentation starts it. */
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { listenAndAnnounce } from './announce.js';
import { resolvers, typeDefs } from './schema.js';

listenAndAnnounce(createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }) })));
