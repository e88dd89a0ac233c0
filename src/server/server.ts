import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerOptions as ServerConfig,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.js';
import type { Config } from '../config.js';
import { TrustedDocuments } from '../graphql/trusted-documents.js';
import { openGraphqlServer } from '../graphql/yoga.js';
import type { Metrics, MetricsText } from '../metrics/metrics.js';
import { RateLimited } from '../rates/rate-limited.js';
import { loadTrustedDocuments } from '../registry/access/trusted-documents.js';
import { asRegistryError } from '../registry/database-failure.js';
import { tracing } from '../tracing/tracing.js';
import { within } from '../within.js';
import { createAdminRouter } from './admin-router.js';
import { sendFailure } from './answers/failure.js';
import { setCommonHeaders } from './answers/send.js';
import { type LoadShedding, openLoadShedding } from './overload/load-shedding.js';
import type { Check } from './readiness.js';
import { type Done, Exchange, type Route } from './requests/exchange.js';
import { InFlight } from './requests/in-flight.js';
import { pathName } from './requests/known-paths.js';
import { HttpError } from './requests/request.js';
import { openRequestLog } from './requests/request-log.js';
import { createRouter } from './router.js';

export interface Server {
  /** "http://127.0.0.1:4000" */
  url: string;
  /** With ADMIN_PORT, the address of metrics and readiness. */
  adminUrl: string | undefined;
  /** Replaces the origins of CORS_ORIGINS. */
  allowOrigins(origins: readonly string[]): void;
  /**
   * Answers the requests that are open and refuses new ones; after the deadline it cuts off those that are still open.
   * False when it had to.
   */
  close(): Promise<boolean>;
}

/**
 * Bounds for idle connections and slow clients. A balancer opens connections ahead of its requests: closing one of them earlier than an
 * idle one would lose the request that it sends at that moment.
 */
export function connectionBounds({ keepAliveTimeoutMs }: Pick<Config, 'keepAliveTimeoutMs'>): ServerConfig {
  const wholeRequestMs = keepAliveTimeoutMs + 5_000;
  return {
    keepAliveTimeout: keepAliveTimeoutMs,
    headersTimeout: wholeRequestMs,
    requestTimeout: wholeRequestMs,
    connectionsCheckingInterval: 5_000,
    // Also where NODE_OPTIONS asks for the lenient parser, which accepts ambiguous requests.
    insecureHTTPParser: false,
  };
}

/** An idle connection takes about 15 kB. More connections are closed at once. */
const maxConnections = 10_000;

export interface ServerOptions {
  /** The metrics of all workers, in a worker: ADMIN_PORT is then the primary process's. Default: those of this process. */
  allMetrics?: () => Promise<MetricsText>;
  /** Decides which requests are refused under overload. Default: by the delay of the event loop and SHED_DELAY_MS. */
  shedding?: LoadShedding;
}

export async function openServer(app: App, { allMetrics, shedding }: ServerOptions = {}): Promise<Server> {
  const { config, gateway } = app;
  if (!gateway) throw new Error('openApp made no gateway: open it exclusively to serve it');
  const graphql = openGraphqlServer();
  const { freshness, caches, rates, clients, limits } = gateway;
  const metrics = allMetrics ? { ...gateway.metrics, text: allMetrics } : gateway.metrics;
  const inFlight = new InFlight();
  let isStopping = false;
  const documents = new TrustedDocuments({
    isRequired: config.requiresTrustedDocuments,
    load: () => loadTrustedDocuments(app.database.pool, config.stalenessMs),
    stalenessMs: config.stalenessMs,
    log: app.log,
  });
  await documents.start();
  const load = openLoadShedding(config.requestLimits.shedDelayMs, { log: app.log, metrics });
  const origins = new Set(config.corsOrigins);
  const route = createRouter({
    app,
    shedding: shedding ?? load.shedding,
    metrics,
    documents,
    shared: { ...freshness, caches, rates, clients, limits },
    graphql,
    isStopping: () => isStopping,
    origins,
  });
  const http = serveRequests(app, { route, metrics, inFlight });
  const { host, port, adminPort } = config;
  await listen(http, { name: 'PORT', host, port });
  const admin =
    adminPort === undefined || allMetrics
      ? undefined
      : await openAdminServer(app, { metrics, inFlight, isStopping: () => isStopping }).catch(
          async (error) => {
            await closeNow(http);
            throw error;
          },
        );

  return {
    url: urlOf(http, host),
    adminUrl: admin?.url,
    allowOrigins(given) {
      origins.clear();
      for (const origin of given) origins.add(origin);
    },
    async close() {
      isStopping = true;
      load.close();
      documents.close();
      // Streams would never end by themselves.
      freshness.changes.close();
      const inTime = await stopRequests(app, http, inFlight);
      await admin?.close();
      await graphql.yoga.dispose();
      return inTime;
    },
  };
}

/** Listens on ADMIN_PORT. */
export async function openAdminServer(
  app: App,
  options: {
    metrics: Metrics;
    isStopping: () => boolean;
    /** Further conditions of readiness. */
    checks?: () => Check[];
    inFlight?: InFlight;
  },
): Promise<{ url: string; close(): Promise<void> }> {
  const { metrics, inFlight = new InFlight() } = options;
  const { host, adminPort: port = 0 } = app.config;
  const http = serveRequests(app, { route: createAdminRouter({ app, ...options }), metrics, inFlight });
  await listen(http, { name: 'ADMIN_PORT', host, port });
  return { url: urlOf(http, host), close: () => closeNow(http) };
}

/** Returns PORT, or a free port where it is 0. Throws, as a start of the server would, when it or ADMIN_PORT cannot be used. */
export async function findPort({ host, port, adminPort }: Config): Promise<number> {
  const [http, admin] = [createServer(), createServer()];
  try {
    await listen(http, { name: 'PORT', host, port });
    if (adminPort !== undefined) await listen(admin, { name: 'ADMIN_PORT', host, port: adminPort });
    return (http.address() as AddressInfo).port;
  } finally {
    await Promise.all([http, admin].map(closeNow));
  }
}

/** Takes each request from its first line to its end: the answer, or the refusal, then metrics and log. */
function serveRequests(
  app: App,
  { route, metrics, inFlight }: { route: Route; metrics: Metrics; inFlight: InFlight },
): HttpServer {
  const { log, config } = app;
  const logRequest = openRequestLog(log, config.logRequests);

  const end = (exchange: Exchange) => {
    inFlight.end();
    const { durationMs, path, response } = exchange;
    metrics.answered({ path: pathName(path), status: response.statusCode, seconds: durationMs / 1000 });
    if (path === '/graphql') countOperation(exchange, metrics);
    if (exchange.span) endSpan(exchange);
    logRequest(exchange, durationMs);
  };
  const fail = async (exchange: Exchange, error: unknown) => {
    const { response, path, requestId } = exchange;
    exchange.outcome.refusal = asRegistryError(error)?.code ?? codeOfOther(error);
    if (error instanceof RateLimited) exchange.outcome.rate = { state: error.state, isRefused: true };
    if (!response.headersSent) setCommonHeaders(exchange);
    await sendFailure(response, error, { path, requestId, log });
  };
  const done: Done = (exchange, error) => {
    if (exchange.hasEnded) return log.error({ err: error, requestId: exchange.requestId }, 'ended twice');
    exchange.hasEnded = true;
    if (error === undefined) return end(exchange);
    fail(exchange, error)
      .catch((failure) => log.error({ err: failure, requestId: exchange.requestId }, 'a refusal failed'))
      .then(() => end(exchange));
  };
  const take = (request: IncomingMessage, response: ServerResponse) => {
    inFlight.begin();
    const exchange = new Exchange(request, response, config.basePath);
    if (!tracing) return route(exchange, done);
    exchange.span = tracing.openRequest(request.headers);
    if (exchange.span) exchange.span.run(() => route(exchange, done));
    else route(exchange, done);
  };
  const http = createServer(connectionBounds(config), take);
  // The body is asked for only when the caller is known.
  http.on('checkContinue', take);
  inFlight.watch(http, maxConnections);
  return http;
}

function countOperation({ outcome, isShed }: Exchange, metrics: Metrics): void {
  const { kind, codes, refusal } = outcome;
  const code = codes[0] ?? refusal ?? (isShed ? 'REGISTRY_UNAVAILABLE' : 'OK');
  // The page GraphiQL is no operation.
  if (kind !== undefined || code !== 'OK') metrics.graphqlAnswered(kind ?? 'none', code);
}

function endSpan({ span, method, path, response, outcome }: Exchange): void {
  const { kind, operationName: name, codes, refusal } = outcome;
  const code = codes[0] ?? refusal;
  span?.end({ method, path: pathName(path), status: response.statusCode, kind, name, code });
}

/** An error without a code of the table: of HTTP, such as a body that is no JSON, or an unexpected one. */
function codeOfOther(error: unknown): string {
  return error instanceof HttpError ? `HTTP_${error.status}` : 'INTERNAL_SERVER_ERROR';
}

/** Where a server listens, and the setting that says so. */
interface Place {
  name: 'PORT' | 'ADMIN_PORT';
  host: string;
  port: number;
}

async function listen(http: HttpServer, place: Place): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, place)));
    http.listen(place.port, place.host, resolve);
  });
}

function urlOf(http: HttpServer, host: string): string {
  const { port } = http.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function closeNow(http: HttpServer): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  http.closeAllConnections();
  await closed;
}

/** False when requests had to be cut off. */
async function stopRequests({ config, log }: App, http: HttpServer, inFlight: InFlight): Promise<boolean> {
  const answered = inFlight.drain().then(() => inFlight.sendTheRest());
  const inTime = await within(
    config.shutdownTimeoutMs,
    answered.then(() => true),
    () => false,
  );
  if (!inTime) log.warn({ inFlight: inFlight.requests }, 'cutting off requests that did not end in time');
  await closeNow(http);
  return inTime;
}

function listenError(error: NodeJS.ErrnoException, { name, host, port }: Place): Error {
  if (error.code === 'EADDRINUSE')
    return new Error(`${name} ${port} on ${host} is taken: set ${name} to a free one`);
  if (error.code === 'EACCES')
    return new Error(`${name} ${port} needs privileges: set ${name} to one above 1023`);
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(error.code ?? ''))
    return new Error(
      `HOST ${host} is no address of this machine: set HOST to one that is, such as 127.0.0.1`,
    );
  return error;
}
