import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers /lease and tenantSchemas like a gateway, for tenants that it derives from their ids. */
export async function openStandInGateway(): Promise<AsyncDisposable & { url: string }> {
  // As long as the revisions of a registry with this many tenants.
  const revision = '7a6e3c1f9b2d4e50:12345678';
  const routeOf = ({ id, module }: { id: string; module: string }) => {
    const slug = `company-${id.slice(-12)}`;
    const schemaName = `${module}_${slug.replace('-', '_')}`;
    return {
      ...{ tenantId: id, tenantSlug: slug, module, schemaName, searchPath: `"${schemaName}"` },
      ...{ databaseName: module, isolation: 'SCHEMA', generation: 1, revision },
    };
  };
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await readText(request));
    const answer =
      request.url === '/lease'
        ? { revision, leaseRemainingMs: 5_000, changed: body.has === revision ? [] : null }
        : { data: { tenantSchemas: body.variables.keys.map(routeOf) } };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
