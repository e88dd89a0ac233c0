import type { App } from '../app.js';
import type { Metrics } from '../metrics/metrics.js';
import { sendJson, sendText, setCommonHeaders } from './answers/send.js';
import { answerReady, answerStartup, type Check } from './readiness.js';
import type { Exchange, Route } from './requests/exchange.js';
import { HttpError } from './requests/request.js';
import { requireLocalHost, requireOwnOrigin, requireSingleHeaders } from './requests/request-origin.js';

interface AdminOptions {
  app: App;
  metrics: Metrics;
  isStopping: () => boolean;
  /** Further conditions of readiness. */
  checks?: () => Check[];
}

/** Answers at ADMIN_PORT: metrics and readiness with its details, for the platform and not for callers. */
export function createAdminRouter(options: AdminOptions): Route {
  return (exchange, done) => {
    answer(exchange, options).then(
      () => done(exchange),
      (error) => done(exchange, error),
    );
  };
}

async function answer(exchange: Exchange, { app, metrics, isStopping, checks }: AdminOptions): Promise<void> {
  const { path, request, response } = exchange;
  requireSingleHeaders(request);
  if (app.config.authMode === 'open') {
    requireLocalHost(request);
    requireOwnOrigin(request);
  }
  setCommonHeaders(exchange);
  if (path === '/health') return sendJson(response, 200, { status: 'alive' });
  if (path === '/ready') return answerReady(response, { app, isStopping, showsChecks: true, checks });
  if (path === '/startup') return answerStartup(response, { app, isStopping, showsChecks: true, checks });
  if (path === '/metrics') return sendText(response, await metrics.text());
  throw new HttpError(
    404,
    `There is nothing at ${path}; this port has /metrics, /ready, /startup and /health`,
  );
}
