import { setTimeout as delay } from 'node:timers/promises';
import type { Gateways } from '../gateways/gateways.js';
import type { Transport } from '../gateways/http.js';
import type { FollowRoutesSubscription } from '../generated/operations.js';
import type { Knowledge } from './knowledge.js';
import { isRevision } from './route.js';

export interface HintsOptions {
  gateways: Gateways;
  transport: Transport;
  knowledge: Knowledge;
  begun: Promise<void>;
  closing: AbortSignal;
  /** Called when a change was reported that no renewal has covered yet. */
  onHint: () => void;
}

const query = /* GraphQL */ `subscription FollowRoutes($since: Revision) {
  routesChanged(since: $since) { type revision tenantId tenantSlug externalIds module }
}`;

/** Gateways send a keep-alive every 12 s. */
const silenceMs = 30_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

type RouteChange = FollowRoutesSubscription['routesChanged'];

/**
 * Listens to the gateway's change events. An event invalidates entries at once, but only a renewal proves the others
 * current. Without events, changes arrive with the next renewal, about a second later.
 */
export async function listen(options: HintsOptions): Promise<void> {
  const { gateways, transport, knowledge, begun, closing, onHint } = options;
  await begun;
  for (let failures = 0; !closing.aborted; ) {
    const { url } = gateways.current;
    const onData = (data: string) => {
      const change = readChange(data);
      if (!change) return;
      failures = 0;
      const refusalsOnly = change.type === 'REFUSALS';
      if (change.type === 'RESYNC' || knowledge.hear({ ...change, refusalsOnly }, change.revision)) onHint();
    };
    const body = { query, variables: { since: knowledge.position } };
    // A failed stream needs no report: renewals continue without it and report an outage.
    await transport
      .stream(`${url}/graphql`, body, { onData, signal: closing, silenceMs })
      .catch(() => undefined);
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);
    failures++;
    await delay(pauseMs, undefined, { signal: closing, ref: false }).catch(() => undefined);
  }
}

/**
 * Reads an event; undefined for a text that is none. It comes over the network, and an exception here would end the service's
 * process. An event that is not understood costs only latency, because the next renewal brings the change.
 */
function readChange(data: string): RouteChange | undefined {
  try {
    const { data: answer } = JSON.parse(data) as { data?: { routesChanged?: unknown } };
    return isRouteChange(answer?.routesChanged) ? answer.routesChanged : undefined;
  } catch {
    return undefined;
  }
}

function isRouteChange(event: unknown): event is RouteChange {
  const { type, revision, tenantId, tenantSlug, externalIds, module } = (event ?? {}) as Record<
    string,
    unknown
  >;
  const isTextOrNull = (value: unknown) => value === null || typeof value === 'string';
  return (
    typeof type === 'string' &&
    typeof revision === 'string' &&
    isRevision(revision) &&
    [tenantId, tenantSlug, module].every(isTextOrNull) &&
    Array.isArray(externalIds) &&
    externalIds.every((one) => typeof one === 'string')
  );
}
