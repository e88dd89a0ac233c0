/**
 * An operations service with Prisma: `npx tsx examples/operations/server.ts` beside `npm start`, then
 * `curl -H 'X-Tenant-ID: demo-harbour' localhost:4002/parties`.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import fastify from 'fastify';
import pg from 'pg';
import { createTenantRegistry } from 'tenant-registry-client';
import { tenantAdapter, withTenant } from 'tenant-registry-client/prisma';
import { embeddedUrl } from '../embedded.js';
import { PrismaClient } from './generated/client.js';

const { REGISTRY_URL = 'http://localhost:4000', REGISTRY_KEY, OPERATIONS_PORT = '4002' } = process.env;
const databaseUrl = process.env.OPERATIONS_DB_URL ?? embeddedUrl('operations');

const pool = new pg.Pool({ connectionString: databaseUrl });
pool.on('error', (error) => process.stderr.write(`an idle connection was lost: ${error.message}\n`));
const registry = createTenantRegistry({
  url: REGISTRY_URL.split(','),
  apiKey: REGISTRY_KEY,
  module: 'operations',
});
/** One PrismaClient for all tenants. */
const prisma = new PrismaClient({ adapter: tenantAdapter(PrismaPg, pool) });

const app = fastify();
await app.register(registry.fastify());
const tenantOf = () => registry.current().tenantId;

app.get('/parties', () =>
  withTenant(registry, prisma, tenantOf(), (tx) =>
    tx.party.findMany({
      select: { name: true, kind: true, contacts: { select: { kind: true, value: true } } },
    }),
  ),
);
app.post<{ Body: { name: string; email: string } }>('/parties', async ({ body: { name, email } }, reply) => {
  const contacts = { create: { kind: 'email', value: email } };
  const party = await withTenant(registry, prisma, tenantOf(), (tx) =>
    tx.party.create({ data: { kind: 'organisation', name, contacts } }),
  );
  return reply.code(201).send({ id: party.id });
});

await app.listen({ port: Number(OPERATIONS_PORT), host: '127.0.0.1' });
process.stdout.write(`operations at http://localhost:${OPERATIONS_PORT}/parties\n`);
process.once('SIGTERM', async () => {
  await app.close();
  await Promise.all([registry.close(), prisma.$disconnect(), pool.end()]);
});
