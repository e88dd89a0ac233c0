import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.js';
import type { Config } from '../config.js';
import { openGraphqlServer } from '../graphql/yoga.js';
import { within } from '../within.js';
import { Exchange } from './exchange.js';
import { sendFailure } from './failure.js';
import { InFlight } from './in-flight.js';
import { openRequestLog, pathName } from './request-log.js';
import { createRouter, type Route } from './router.js';

export interface Server {
  /** "http://127.0.0.1:4000" */
  url: string;
  /**
   * Answers the requests that are open and refuses new ones; after the deadline it cuts off those that are still open.
   * False when it had to.
   */
  close(): Promise<boolean>;
}

/** Time a client has to send its request. */
const requestTimeoutMs = 30_000;

export async function openServer(app: App): Promise<Server> {
  const { config, gateway } = app;
  if (!gateway) throw new Error('openApp made no gateway: open it exclusively to serve it');
  const graphql = openGraphqlServer();
  const { freshness, caches, clients, limits } = gateway;
  const inFlight = new InFlight();
  let isStopping = false;
  const route = createRouter({
    app,
    shared: { ...freshness, caches, clients, limits },
    graphql,
    isStopping: () => isStopping,
  });
  const http = serveRequests(app, { route, inFlight });
  await listen(http, config);
  const { port } = http.address() as AddressInfo;

  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    async close() {
      isStopping = true;
      // Streams would never end by themselves.
      freshness.changes.close();
      const inTime = await stopRequests(app, { http, inFlight });
      await graphql.yoga.dispose();
      return inTime;
    },
  };
}

/** Takes each request from its first line to its end: the answer, or the refusal, then metrics and log. */
function serveRequests(app: App, { route, inFlight }: { route: Route; inFlight: InFlight }): HttpServer {
  const { log, metrics, config } = app;
  const logRequest = openRequestLog(log, config.logRequests);

  const end = (exchange: Exchange) => {
    inFlight.end();
    const { durationMs, path, response } = exchange;
    metrics.answered({ path: pathName(path), status: response.statusCode, seconds: durationMs / 1000 });
    logRequest(exchange, durationMs);
  };
  const fail = async (exchange: Exchange, error: unknown) => {
    const { response, path, requestId } = exchange;
    if (!response.headersSent) response.setHeader('x-request-id', requestId);
    await sendFailure(response, error, { path, requestId, log });
  };
  const http = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    const exchange = new Exchange(request, response);
    inFlight.begin();
    route(exchange, (error) => {
      if (exchange.hasEnded) return log.error({ err: error, requestId: exchange.requestId }, 'ended twice');
      exchange.hasEnded = true;
      if (error === undefined) return end(exchange);
      fail(exchange, error)
        .catch((failure) => log.error({ err: failure, requestId: exchange.requestId }, 'a refusal failed'))
        .then(() => end(exchange));
    });
  });
  inFlight.watch(http);
  return http;
}

async function listen(http: HttpServer, config: Config): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, config)));
    http.listen(config.port, config.host, resolve);
  });
}

/** False when requests had to be cut off. */
async function stopRequests(
  { config, log }: App,
  { http, inFlight }: { http: HttpServer; inFlight: InFlight },
): Promise<boolean> {
  const answered = inFlight.drain().then(() => inFlight.sendTheRest());
  const inTime = await within(
    config.shutdownTimeoutMs,
    answered.then(() => true),
    () => false,
  );
  if (!inTime) log.warn({ inFlight: inFlight.requests }, 'cutting off requests that did not end in time');
  const closed = new Promise((resolve) => http.close(resolve));
  http.closeAllConnections();
  await closed;
  return inTime;
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
