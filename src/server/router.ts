import type { App } from '../app.js';
import { authenticate, peekCaller } from '../auth/authenticate.js';
import { AuthenticationFailure, authenticationReasons } from '../auth/authentication-failure.js';
import type { Caller } from '../auth/caller.js';
import { RegistryError } from '../errors.js';
import type { SharedContext } from '../graphql/context.js';
import type { TrustedDocuments } from '../graphql/trusted-documents.js';
import type { openGraphqlServer } from '../graphql/yoga.js';
import type { Metrics } from '../metrics/metrics.js';
import { answerRequest } from '../rest/answer-request.js';
import { isRestPath } from '../rest/paths.js';
import { sendAnswer, sendJson, sendPage, sendRedirect, sendText, setCommonHeaders } from './answers/send.js';
import { openGraphqlDoor } from './graphql-door.js';
import { renewLease } from './lease.js';
import type { LoadShedding } from './overload/load-shedding.js';
import { answerShed, isShed } from './overload/overload.js';
import { AdminPage } from './pages/admin-page.js';
import { graphiqlPage } from './pages/graphiql.js';
import { answerReady, answerStartup } from './readiness.js';
import { readBody } from './requests/body.js';
import { clientAddress } from './requests/client-address.js';
import { answerCors } from './requests/cors.js';
import { commandsFor, type Exchange, type Route } from './requests/exchange.js';
import { isAdminPath, isKnownPath } from './requests/known-paths.js';
import { HttpError, isPageRequest, readContentType, requireGraphqlRequest } from './requests/request.js';
import { requireLocalHost, requireOwnOrigin, requireSingleHeaders } from './requests/request-origin.js';

export interface RouterOptions {
  app: App;
  shared: SharedContext;
  metrics: Metrics;
  graphql: ReturnType<typeof openGraphqlServer>;
  documents: TrustedDocuments;
  shedding: LoadShedding;
  isStopping: () => boolean;
  /** Origins of pages of other sites that may use the gateway; they may change. */
  origins: ReadonlySet<string>;
}

/** Finds the door for each request, and refuses what may not pass any of them. */
export function createRouter(options: RouterOptions): Route {
  const { app, shared, metrics, shedding, origins } = options;
  const { gateway, config } = app;
  if (!gateway) throw new Error('openApp made no gateway: open it exclusively to serve it');
  // A rate needs the zero before the first failure.
  for (const reason of authenticationReasons) metrics.authenticationFailed(reason, 0);
  const countFailure = (error: unknown): never => {
    if (error instanceof AuthenticationFailure) metrics.authenticationFailed(error.reason);
    // Every other refusal is about a token, whose claims are checked in several places.
    else if (error instanceof RegistryError && error.code === 'UNAUTHENTICATED')
      metrics.authenticationFailed('token_invalid');
    throw error;
  };
  const { failedAuthentications } = gateway.rates;
  const attemptFrom = ({ request }: Exchange) =>
    failedAuthentications &&
    ((work: () => Promise<Caller>) =>
      failedAuthentications.attempt(clientAddress(request, config.trustedProxies), work, isUnauthenticated));
  const authenticateBy = (exchange: Exchange, attempt: ReturnType<typeof attemptFrom>) => {
    try {
      const { authMode } = config;
      const { findCaller } = gateway;
      const found = authenticate(exchange.request.headers.authorization, { authMode, findCaller, attempt });
      return found instanceof Promise ? found.catch(countFailure) : found;
    } catch (error) {
      return countFailure(error);
    }
  };
  // First of all what is the rule: a key that is known needs no other look at the request.
  const findCaller = (exchange: Exchange) =>
    peekCaller(exchange.request.headers.authorization, gateway.findCaller) ??
    authenticateBy(exchange, attemptFrom(exchange));
  // A stream was opened with credentials that were good: others at its address must not end it.
  const checkCaller = (exchange: Exchange) => authenticateBy(exchange, undefined);
  const answerGraphql = openGraphqlDoor({ ...options, findCaller, checkCaller });

  const adminPage = new AdminPage(config);

  return (exchange, done) => {
    try {
      // Before every refusal, which the page must be able to read as well.
      if (exchange.request.headers.origin !== undefined && answerCors(exchange, origins))
        return done(exchange);
      if (shedding.isActive && isShed(exchange, shedding)) return answerShed(exchange, done, metrics);
      const { path, request } = exchange;
      requireTrust(path, gateway.freshness.follower);
      requireSingleHeaders(request);
      if (config.authMode === 'open') {
        requireLocalHost(request);
        requireOwnOrigin(request, origins);
      }
      if (path === '/graphql') {
        requireRunning(options);
        if (!config.showsGraphiql || !isPageRequest(request)) return answerGraphql(exchange, done);
      }
      setCommonHeaders(exchange);
      answerOther(exchange, { ...options, shared, findCaller, adminPage }).then(
        () => done(exchange),
        (error) => done(exchange, error),
      );
    } catch (error) {
      done(exchange, error);
    }
  };
}

/** Throws for what asks the registry database where that may be a primary that was replaced. */
function requireTrust(path: string, { refusal }: { refusal: string | undefined }): void {
  if (refusal !== undefined && (path === '/graphql' || isRestPath(path)))
    throw new RegistryError('REGISTRY_UNAVAILABLE', refusal);
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'UNAUTHENTICATED';
}

type DoorOptions = RouterOptions & {
  findCaller(exchange: Exchange): Caller | Promise<Caller>;
  adminPage: AdminPage;
};

async function answerOther(exchange: Exchange, options: DoorOptions): Promise<void> {
  const { path, response, basePath } = exchange;
  const { app, metrics, isStopping } = options;
  if (path === '/health') return sendJson(response, 200, { status: 'alive' });
  const hasAdminPort = app.config.adminPort !== undefined;
  if (path === '/ready') return answerReady(response, { app, isStopping, showsChecks: !hasAdminPort });
  if (path === '/startup') return answerStartup(response, { app, isStopping, showsChecks: !hasAdminPort });
  if (path === '/metrics' && !hasAdminPort) return sendText(response, await metrics.text());
  requireRunning(options);
  // People begin at the admin page, programs at the API.
  if (path === '/') {
    const start = isPageRequest(exchange.request) ? '/admin' : '/graphql';
    return sendRedirect(response, `${basePath}${start}`);
  }
  if (path === '/metrics' || (!isKnownPath(path) && !isRestPath(path)))
    throw new HttpError(404, `There is nothing at ${path}; GraphQL is at ${basePath}/graphql`);
  if (isRestPath(path)) return answerRest(exchange, options);
  if (isAdminPath(path)) return answerAdminPage(exchange, options.adminPage);
  if (path === '/lease') return answerLease(exchange, options);
  return answerGraphiql(exchange, app.config.authMode === 'required');
}

function requireRunning({ isStopping }: RouterOptions): void {
  if (isStopping())
    throw new HttpError(503, 'This gateway is stopping: ask another one, or again', {
      connection: 'close',
      'retry-after': '1',
    });
}

async function answerRest(exchange: Exchange, { app, shared, findCaller }: DoorOptions): Promise<void> {
  const { request, response, path, requestId } = exchange;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = await answerRequest({
    method: exchange.method,
    path,
    basePath: exchange.basePath,
    query: new URLSearchParams(exchange.queryString),
    contentType: readContentType(request),
    idempotencyKey: request.headers['idempotency-key']?.toString(),
    ifMatch: request.headers['if-match'],
    readBody: () => readBody(exchange),
    authenticate: async () => {
      const caller = await findCaller(exchange);
      exchange.outcome.actor = caller.actor;
      return commandsFor(app, caller, requestId);
    },
    admitChange(caller) {
      const state = shared.rates.admitMutations(caller, 1);
      if (state) exchange.outcome.rate = { state, isRefused: false };
    },
    signal: gone.signal,
  });
  setCommonHeaders(exchange);
  await sendAnswer(response, answer);
}

async function answerLease(exchange: Exchange, { shared, findCaller }: DoorOptions): Promise<void> {
  const { response } = exchange;
  requireGraphqlRequest(exchange);
  const caller = await findCaller(exchange);
  sendJson(response, 200, await renewLease({ caller, freshness: shared, body: await readBody(exchange) }));
}

async function answerAdminPage(exchange: Exchange, page: AdminPage): Promise<void> {
  const { request, response, path, method } = exchange;
  if (method !== 'GET') throw new HttpError(405, 'The admin page takes GET', { allow: 'GET, HEAD' });
  sendPage(
    response,
    await page.answer({
      path,
      acceptEncoding: request.headers['accept-encoding']?.toString(),
      ifNoneMatch: request.headers['if-none-match'],
    }),
  );
}

async function answerGraphiql({ request, response }: Exchange, requiresKey: boolean): Promise<void> {
  const page = await graphiqlPage({
    acceptEncoding: request.headers['accept-encoding']?.toString(),
    ifNoneMatch: request.headers['if-none-match'],
    requiresKey,
  });
  sendPage(response, page);
}
