/** Mercurius on Fastify; a query is compiled when it comes for the second time. */
import fastify from 'fastify';
import mercurius from 'mercurius';
import { announce } from './announce.js';
import { resolvers, typeDefs } from './schema.js';

const app = fastify();
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
const url = await app.listen({ port: 0, host: '127.0.0.1' });
announce(`${url}/graphql`);
