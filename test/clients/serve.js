/**
 * A small service in each web framework, as a service with tenants would write it: `GET /tenant` and `POST /tenant` (which reads its body
 * first) answer with the tenant of the request, `GET /throws/<kind>` throws. `open(registry, { TenantRegistryError })` returns `{ url, close }`.
 */
import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { serve as serveHono } from '@hono/node-server';
import { Controller, Get, HttpException, Module, Post, Req } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Hono } from 'hono';
import Koa from 'koa';

const require = createRequire(import.meta.url);

/** What errors of a service contain and no end user may see. */
export const secretText = 'connect ECONNREFUSED 10.0.0.7:5432 with trk_hunter2 for "finance_acme"';

/** What a route answers: the tenant by the async context, and by the request. */
const tenantOf = (registry, request) => ({
  slug: registry.current().tenantSlug,
  byRequest: registry.current(request).tenantSlug,
});

/** Throws as work in a database throws, after a turn of the event loop. */
async function fail(kind, { TenantRegistryError }) {
  await new Promise(setImmediate);
  if (kind === 'refusal') throw new TenantRegistryError('TENANT_SUSPENDED', secretText);
  throw new Error(secretText);
}

/** Reads a body by events, whose async context is that of the socket. */
function readBody(request, then) {
  let length = 0;
  request.on('data', (chunk) => {
    length += chunk.length;
  });
  request.on('end', () => then(length));
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: async () => server.close() };
}

function nodeHttp(registry, client) {
  const admit = registry.middleware();
  const answer = async (request, response) => {
    const kind = request.url.split('/throws/')[1];
    if (kind) await fail(kind, client);
    const send = (body) => response.writeHead(200).end(JSON.stringify(body));
    if (request.method === 'POST')
      readBody(request, (length) => send({ ...tenantOf(registry, request), length }));
    else send(tenantOf(registry, request));
  };
  return listen(
    createServer((request, response) =>
      admit(request, response, () =>
        answer(request, response).catch((error) => {
          const { status, headers, body } = registry.answerTo(error);
          response.writeHead(status, headers).end(body);
        }),
      ),
    ),
  );
}

function express(name, registry, client) {
  const app = require(name)();
  app.use(registry.middleware());
  app.get('/tenant', (request, response) => response.json(tenantOf(registry, request)));
  app.post('/tenant', (request, response) =>
    readBody(request, (length) => response.json({ ...tenantOf(registry, request), length })),
  );
  // Express 4 does not see a promise that rejects.
  app.get('/throws/:kind', (request, _response, next) => fail(request.params.kind, client).catch(next));
  app.use(registry.errorHandler({ log: () => undefined }));
  return listen(createServer(app));
}

async function fastify(name, registry, client) {
  const app = require(name).fastify();
  await app.register(registry.fastify());
  app.addContentTypeParser('text/plain', (_request, payload, done) =>
    readBody(payload, (length) => done(null, { length })),
  );
  app.get('/tenant', async (request) => tenantOf(registry, request));
  app.post('/tenant', async (request) => ({ ...tenantOf(registry, request), ...request.body }));
  app.get('/throws/:kind', ({ params }) => fail(params.kind, client));
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
}

function koa(registry, client) {
  const app = new Koa();
  app.silent = true;
  app.use(registry.middleware());
  app.use(async (context) => {
    const kind = context.path.split('/throws/')[1];
    if (kind) await fail(kind, client);
    if (context.method === 'POST')
      context.body = await new Promise((resolve) =>
        readBody(context.req, (length) => resolve({ ...tenantOf(registry, context), length })),
      );
    else context.body = tenantOf(registry, context);
  });
  return listen(createServer(app.callback()));
}

async function hono(registry, client) {
  const app = new Hono();
  app.use(registry.middleware());
  app.get('/tenant', (context) => context.json(tenantOf(registry, context)));
  app.post('/tenant', async (context) => {
    const { length } = await context.req.text();
    return context.json({ ...tenantOf(registry, context), length });
  });
  app.get('/throws/:kind', (context) => fail(context.req.param('kind'), client));
  app.onError((error) => {
    const { status, headers, body } = registry.answerTo(error);
    return new Response(body, { status, headers });
  });
  const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: async () => server.close() };
}

async function nest(adapter, registry, client) {
  class Tenants {
    show(request) {
      return tenantOf(registry, request);
    }

    read(request) {
      const body = request.body ?? {};
      return { ...tenantOf(registry, request), length: JSON.stringify(body).length };
    }

    fail(request) {
      return fail(request.params.kind, client);
    }
  }
  class App {}
  class Refusals extends BaseExceptionFilter {
    catch(error, host) {
      if (!(error instanceof client.TenantRegistryError)) return super.catch(error, host);
      const { status, body } = registry.answerTo(error);
      return super.catch(new HttpException(JSON.parse(body), status), host);
    }
  }
  // As the decorators of TypeScript do.
  const route = (decorator, name) => {
    const descriptor = Object.getOwnPropertyDescriptor(Tenants.prototype, name);
    decorator(Tenants.prototype, name, descriptor);
    Req()(Tenants.prototype, name, 0);
  };
  route(Get('tenant'), 'show');
  route(Post('tenant'), 'read');
  route(Get('throws/:kind'), 'fail');
  Controller()(Tenants);
  Module({ controllers: [Tenants] })(App);
  const app = await NestFactory.create(App, adapter, { logger: false });
  app.use(registry.middleware());
  app.useGlobalFilters(new Refusals(app.get(HttpAdapterHost).httpAdapter));
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}

/** Each opens a service. */
export const frameworks = {
  'node:http': nodeHttp,
  'Express 4': (...args) => express('express-4', ...args),
  'Express 5': (...args) => express('express', ...args),
  'Fastify 4': (...args) => fastify('fastify-4', ...args),
  'Fastify 5': (...args) => fastify('fastify', ...args),
  Koa: koa,
  Hono: hono,
  'NestJS on Express': (...args) => nest(new ExpressAdapter(), ...args),
  'NestJS on Fastify': (...args) => nest(new FastifyAdapter(), ...args),
};
