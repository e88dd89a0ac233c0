/** A gateway whose answers the test chooses, for answers that a real gateway never gives. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { json } from 'node:stream/consumers';

export interface StandInRoute {
  tenantId: string;
  tenantSlug: string;
  module: string;
  schemaName: string;
  searchPath: string;
  databaseName: string;
  isolation: 'SCHEMA' | 'DATABASE';
  generation: number;
  revision: string;
}

export interface StandInGateway extends AsyncDisposable {
  url: string;
  /** Number of GraphQL requests that arrived. */
  requests: number;
  sockets: Set<Socket>;
}

const revision = '7a6e3c1f9b2d4e50:12';

/** A correct route of the tenant with this slug. */
export function aRoute(slug: string, fields: Partial<StandInRoute> = {}): StandInRoute {
  const schemaName = `finance_${slug}`;
  return {
    tenantId: '01980000-0000-7000-8000-000000000000',
    tenantSlug: slug,
    module: 'finance',
    schemaName,
    searchPath: `"${schemaName}"`,
    databaseName: 'finance',
    isolation: 'SCHEMA',
    generation: 1,
    revision,
    ...fields,
  };
}

/** `answer` returns the route for an id, or handles the response itself and returns undefined. */
export async function openStandInGateway(
  answer: (id: string, response: ServerResponse, request: IncomingMessage) => StandInRoute | undefined,
): Promise<StandInGateway> {
  const sockets = new Set<Socket>();
  const gateway = { requests: 0 };
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as {
      has?: string;
      variables?: { keys?: { id: string }[]; id?: string };
    };
    response.setHeader('content-type', 'application/json');
    if (request.url === '/lease') {
      const changed = body.has === revision ? [] : null;
      return response.end(JSON.stringify({ revision, leaseRemainingMs: 5_000, changed }));
    }
    if (request.headers.accept === 'text/event-stream') return response.writeHead(503).end('{}');
    gateway.requests++;
    const { keys = [], id } = body.variables ?? {};
    const routes = (id === undefined ? keys : [{ id }]).map((key) => answer(key.id, response, request));
    if (response.writableEnded || response.destroyed || routes.includes(undefined)) return;
    const data = id === undefined ? { tenantSchemas: routes } : { tenantSchema: routes[0] };
    response.end(JSON.stringify({ data }));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return gateway.requests;
    },
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
