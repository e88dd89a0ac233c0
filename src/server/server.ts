import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { App } from '../app.js';
import { authenticate } from '../auth/authenticate.js';
import type { Caller } from '../auth/caller.js';
import { openGraphqlServer } from '../graphql/yoga.js';
import type { CommandContext } from '../registry/command.js';
import { answerRequest } from '../rest/answer-request.js';
import { isRestPath, restPathName } from '../rest/paths.js';
import { sendFailure } from './failure.js';
import { graphiqlPage } from './graphiql.js';
import { renewLease } from './lease.js';
import { checkReadiness } from './readiness.js';
import {
  HttpError,
  readBody,
  readClient,
  readContentType,
  readRequestId,
  requireGraphqlRequest,
  requireLocalHost,
} from './request.js';
import { sendAnswer, sendJson, sendRedirect, sendText } from './send.js';
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
      await sendFailure(response, error, { path, requestId, log });
    } finally {
      inFlight--;
      if (inFlight === 0) drained?.();
      const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
      metrics.answered({
        path: knownPaths.has(path) ? path : (restPathName(path) ?? 'other'),
        status: response.statusCode,
        seconds: durationMs / 1000,
      });
      log[path === '/graphql' || isRestPath(path) ? 'info' : 'debug'](
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
    if (facts.path === '/health') return sendJson(response, 200, { status: 'alive' });
    if (facts.path === '/ready') {
      const readiness = await checkReadiness(app.database, { stopping });
      return sendJson(response, readiness.ready ? 200 : 503, readiness);
    }
    if (facts.path === '/metrics') return sendText(response, await metrics.text());
    if (stopping)
      throw new HttpError(503, 'This gateway is stopping: ask another one, or again', {
        connection: 'close',
        'retry-after': '1',
      });
    if (facts.path === '/') return sendRedirect(response, '/graphql');
    if (!knownPaths.has(facts.path) && !isRestPath(facts.path))
      throw new HttpError(404, `There is nothing at ${facts.path}; GraphQL is at /graphql`);
    if (config.authMode === 'open') requireLocalHost(request);
    if (isRestPath(facts.path)) return answerRest(request, response, facts);
    if (facts.path === '/lease') return answerLease(request, response);
    if (request.method === 'GET' && request.headers.accept?.includes('text/html'))
      return answerGraphiql(request, response);
    return answerGraphql(request, response, facts.requestId);
  }

  function findRequestCaller(request: IncomingMessage): Promise<Caller> {
    return authenticate(request.headers.authorization, { authMode: config.authMode, findCaller });
  }

  /** What the caller of a request can do, with the request's id in what it logs. */
  async function openCommands(request: IncomingMessage, requestId: string): Promise<CommandContext> {
    const caller = await findRequestCaller(request);
    return { ...app.commandsFor(caller), log: log.child({ requestId, actor: caller.actor }) };
  }

  async function answerGraphql(request: IncomingMessage, response: ServerResponse, requestId: string) {
    requireGraphqlRequest(request);
    const body = request.method === 'POST' ? await readBody(request) : null;
    const commands = await openCommands(request, requestId);
    const answered = await graphql.fetch(
      new URL(request.url ?? '/graphql', 'http://gateway'),
      {
        method: request.method ?? 'POST',
        headers: { accept: request.headers.accept ?? '*/*', 'content-type': 'application/json' },
        body,
      },
      {
        requestId,
        commands,
        shared,
        client: readClient(request),
      },
    );
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    if (answered.headers.get('content-type')?.startsWith('text/event-stream') && answered.body)
      return sendStream(answered.body, response);
    response.end(await answered.text());
  }

  async function answerRest(
    request: IncomingMessage,
    response: ServerResponse,
    { path, requestId }: { path: string; requestId: string },
  ) {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answer = await answerRequest({
      method: request.method ?? 'GET',
      path,
      query: new URLSearchParams(request.url?.slice(path.length + 1)),
      contentType: readContentType(request),
      idempotencyKey: request.headers['idempotency-key']?.toString(),
      readBody: () => readBody(request),
      authenticate: () => openCommands(request, requestId),
      signal: gone.signal,
    });
    await sendAnswer(response, answer);
  }

  async function answerLease(request: IncomingMessage, response: ServerResponse) {
    requireGraphqlRequest(request);
    const caller = await findRequestCaller(request);
    sendJson(response, 200, await renewLease({ caller, freshness, body: await readBody(request) }));
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
