import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { App } from '../app.js';
import { authenticate } from '../auth/authenticate.js';
import { extensionsOf } from '../graphql/errors.js';
import { openGraphqlServer } from '../graphql/yoga.js';
import { asRegistryError } from '../registry/database-failure.js';
import { graphiqlPage } from './graphiql.js';
import { renewLease } from './lease.js';
import { checkReadiness } from './readiness.js';
import {
  HttpError,
  readBody,
  readClient,
  readRequestId,
  requireGraphqlRequest,
  requireLocalHost,
} from './request.js';
import { sendStream } from './stream.js';

export interface Server {
  /** "http://127.0.0.1:4000" */
  url: string;
  /**
   * Answers what it has begun and refuses what comes meanwhile; after the deadline it cuts off what still runs.
   * False when it had to.
   */
  close(): Promise<boolean>;
}

/** Also the only paths that metrics name. */
const knownPaths = new Set(['/', '/graphql', '/lease', '/health', '/ready', '/metrics']);

/** How long a client may take to send its request, in milliseconds. */
const requestTimeoutMs = 30_000;

export async function openServer(app: App): Promise<Server> {
  const { config, log, gateway, metrics } = app;
  if (!gateway) throw new Error('openApp made no gateway: open it exclusively to serve it');
  const { freshness, caches, findCaller, clients } = gateway;
  const shared = { ...freshness, caches, clients };
  const graphql = openGraphqlServer();
  let stopping = false;
  let inFlight = 0;
  let drained: (() => void) | undefined;
  const sockets = new Set<Socket>();

  const http = createServer({ requestTimeout: requestTimeoutMs }, async (request, response) => {
    const startedAt = performance.now();
    const requestId = readRequestId(request);
    response.setHeader('x-request-id', requestId);
    const path = request.url?.split('?')[0] ?? '/';
    inFlight++;
    try {
      await answer(request, response, { path, requestId });
    } catch (error) {
      answerError(response, error, requestId);
    } finally {
      inFlight--;
      if (inFlight === 0) drained?.();
      const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
      metrics.answered({
        path: knownPaths.has(path) ? path : 'other',
        status: response.statusCode,
        seconds: durationMs / 1000,
      });
      log[path === '/graphql' ? 'info' : 'debug'](
        {
          requestId,
          method: request.method,
          path: withoutSecrets(path),
          status: response.statusCode,
          durationMs,
        },
        'request',
      );
    }
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    facts: { path: string; requestId: string },
  ) {
    if (facts.path === '/health') return answerJson(response, 200, { status: 'alive' });
    if (facts.path === '/ready') {
      const readiness = await checkReadiness(app.database, { stopping });
      return answerJson(response, readiness.ready ? 200 : 503, readiness);
    }
    if (facts.path === '/metrics') return answerText(response, await metrics.text());
    if (stopping)
      throw new HttpError(503, 'This gateway is stopping: ask another one, or again', {
        connection: 'close',
        'retry-after': '1',
      });
    if (facts.path === '/') return answerRedirect(response, '/graphql');
    if (!knownPaths.has(facts.path))
      throw new HttpError(404, `There is nothing at ${facts.path}; GraphQL is at /graphql`);
    if (config.authMode === 'open') requireLocalHost(request);
    if (facts.path === '/lease') return answerLease(request, response);
    if (request.method === 'GET' && request.headers.accept?.includes('text/html'))
      return answerGraphiql(request, response);
    return answerGraphql(request, response, facts.requestId);
  }

  async function answerGraphql(request: IncomingMessage, response: ServerResponse, requestId: string) {
    requireGraphqlRequest(request);
    const body = request.method === 'POST' ? await readBody(request) : null;
    const caller = await authenticate(request.headers.authorization, {
      authMode: config.authMode,
      findCaller,
    });
    const requestLog = log.child({ requestId, actor: caller.actor });
    const answered = await graphql.fetch(
      new URL(request.url ?? '/graphql', 'http://gateway'),
      {
        method: request.method ?? 'POST',
        headers: { accept: request.headers.accept ?? '*/*', 'content-type': 'application/json' },
        body,
      },
      {
        requestId,
        commands: { ...app.commandsFor(caller), log: requestLog },
        shared,
        client: readClient(request),
      },
    );
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    if (answered.headers.get('content-type')?.startsWith('text/event-stream') && answered.body)
      return sendStream(answered.body, response);
    response.end(await answered.text());
  }

  async function answerLease(request: IncomingMessage, response: ServerResponse) {
    requireGraphqlRequest(request);
    const caller = await authenticate(request.headers.authorization, {
      authMode: config.authMode,
      findCaller,
    });
    answerJson(response, 200, await renewLease({ caller, freshness, body: await readBody(request) }));
  }

  function answerError(response: ServerResponse, error: unknown, requestId: string) {
    if (response.headersSent) return void response.destroy();
    const expected = asRegistryError(error);
    if (error instanceof HttpError) {
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      return answerJson(response, error.status, { errors: [{ message: error.message }] });
    }
    if (expected) {
      if (expected.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
      if (expected.code === 'REGISTRY_UNAVAILABLE') response.setHeader('retry-after', '1');
      const errors = [{ message: expected.message, extensions: extensionsOf(expected) }];
      return answerJson(response, expected.status, { errors });
    }
    log.error({ err: error, requestId }, 'unexpected error');
    const extensions = { code: 'INTERNAL_SERVER_ERROR', requestId };
    return answerJson(response, 500, { errors: [{ message: 'Something went wrong here', extensions }] });
  }

  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, config)));
    http.listen(config.port, config.host, resolve);
  });
  const { port } = http.address() as AddressInfo;

  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    async close() {
      stopping = true;
      // Streams would never end by themselves.
      freshness.changes.close();
      const answered = new Promise<void>((resolve) => {
        drained = resolve;
        if (inFlight === 0) resolve();
      });
      let deadline: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        deadline = setTimeout(() => resolve(false), config.shutdownTimeoutMs);
      });
      const inTime = await Promise.race([answered.then(() => sendTheRest(sockets)).then(() => true), late]);
      clearTimeout(deadline);
      if (!inTime) log.warn({ inFlight }, 'cutting off requests that did not end in time');
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
      await graphql.dispose();
      return inTime;
    },
  };
}

/** An answer that was given is not yet with the client, and closing the server would tear it off. */
async function sendTheRest(sockets: ReadonlySet<Socket>): Promise<void> {
  await Promise.all(
    [...sockets].map((socket) => {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroySoon();
      return closed;
    }),
  );
}

/** Somebody may have put a key where it does not belong. */
function withoutSecrets(path: string): string {
  return path.replace(/trk_[\w-]+/g, 'trk_…');
}

async function answerGraphiql(request: IncomingMessage, response: ServerResponse) {
  const page = await graphiqlPage({
    acceptEncoding: request.headers['accept-encoding']?.toString(),
    ifNoneMatch: request.headers['if-none-match'],
  });
  response.writeHead(page.status, page.headers).end(page.body);
}

function answerJson(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(body));
}

function answerText(response: ServerResponse, { contentType, body }: { contentType: string; body: string }) {
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
}

function answerRedirect(response: ServerResponse, location: string) {
  response.writeHead(302, { location }).end();
}

function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  if (error.code === 'EADDRINUSE')
    return new Error(`PORT ${port} on ${host} is taken: set PORT to a free one`);
  if (error.code === 'EACCES') return new Error(`PORT ${port} needs privileges: set PORT to one above 1023`);
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(error.code ?? ''))
    return new Error(
      `HOST ${host} is no address of this machine: set HOST to one that is, such as 127.0.0.1`,
    );
  return error;
}
