import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { TenantRegistryError } from '../error.js';
import { Gateways } from '../gateways/gateways.js';
import { openTransport } from '../gateways/http.js';
import { explainOwnFault, isOwnFault } from '../gateways/own-fault.js';
import type { ReadOptions } from '../options.js';
import type { TenantUsage, UsageRecord } from '../usage/usage.js';
import { UsageSender } from '../usage/usage-sender.js';
import { createTrustClock } from './clock.js';
import { listen } from './hints.js';
import { Knowledge, type TenantChange } from './knowledge.js';
import { Lookup } from './lookup.js';
import { Renewal } from './renewal.js';
import { type Finding, isRoute, type Resolution, type StoredConfig, type TenantRoute } from './route.js';

/** Events of the resolver; `error` is emitted once per outage, and once for each kind of mistake in the options. */
export interface ResolverEvents {
  ready(): void;
  stale(): void;
  change(change: TenantChange): void;
  error(error: unknown): void;
}

/** Resolves tenants from memory while a gateway's lease covers the entry, and from gateways otherwise. */
export interface Resolver {
  /** Returns undefined when no current entry is cached. */
  find(reference: string): TenantRoute | undefined;
  /** Throws TenantRegistryError. */
  resolve(reference: string): Promise<TenantRoute>;
  /** Like resolve; while no gateway answers, returns the last known route. */
  resolveOrStale(reference: string): Promise<TenantRoute>;
  /** The route and the configuration. Throws TenantRegistryError. */
  resolveConfig(reference: string): Promise<{ route: TenantRoute; config: StoredConfig }>;
  /** Reads the tenant from the primary database, because the cached route proved wrong. */
  resolveAnew(reference: string): Promise<TenantRoute>;
  /** Counts what a tenant uses. Throws TenantRegistryError. */
  recordUsage(record: UsageRecord): Promise<TenantUsage>;
  readonly size: number;
  close(): Promise<void>;
}

export function openResolver(options: ReadOptions, events: ResolverEvents): Resolver {
  const { module, minMigration, timeoutMs, serveStaleMs } = options;
  const client = randomUUID();
  const clock = createTrustClock();
  const closer = new AbortController();
  const closing = closer.signal;
  setMaxListeners(0, closing);
  const transport = openTransport({ ...options, client });
  const gateways = new Gateways({ urls: options.urls, clock, closing });
  const knowledge = new Knowledge({ clock, module, maxTenants: options.maxTenants, onChange: events.change });
  const reported = new Set<string>();
  /** Returns the error as callers see it, and reports the first of each kind of mistake in the options since the client was ready. */
  const explain = (error: unknown): unknown => {
    if (!isOwnFault(error)) return error;
    const explained = explainOwnFault(error, options);
    if (!reported.has(error.code)) {
      reported.add(error.code);
      events.error(explained);
    }
    return explained;
  };
  const explaining = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw explain(error);
    });
  const renewal = new Renewal({
    ...{ client, gateways, transport, knowledge, clock, closing, timeoutMs },
    onReady() {
      reported.clear();
      events.ready();
    },
    onStale: events.stale,
    onError: (error) => (isOwnFault(error) ? explain(error) : events.error(error)),
  });
  const lookupOptions = {
    ...{ module, minMigration, gateways, transport, knowledge, timeoutMs },
    begun: () => renewal.begun,
    // Callers that arrive later in an outage wait correspondingly less.
    patienceMs: () => Math.max(0, 2 * timeoutMs - gateways.downForMs),
  };
  const lookup = new Lookup({ ...lookupOptions, withConfig: false });
  const configLookup = new Lookup({ ...lookupOptions, withConfig: true });
  const usage = new UsageSender(lookupOptions);
  if (options.hints)
    void listen({
      ...{ gateways, transport, knowledge, closing, begun: renewal.begun },
      onHint: () => renewal.hint(),
    });

  async function find(from: Lookup, reference: string): Promise<Finding> {
    closing.throwIfAborted();
    return from.findKnown(reference) ?? (await from.find(reference));
  }

  async function resolveOrStale(reference: string): Promise<TenantRoute> {
    closing.throwIfAborted();
    const known = lookup.findKnown(reference);
    if (known) return toRoute(known.resolution);
    const old = serveStaleMs > 0 ? knowledge.findStale(reference, serveStaleMs) : undefined;
    // During an outage callers do not each wait for the timeout.
    if (old && gateways.downForMs > 0) return toStaleRoute(old);
    try {
      return toRoute((await lookup.find(reference)).resolution);
    } catch (error) {
      const isOutage = error instanceof TenantRegistryError && error.code === 'REGISTRY_UNAVAILABLE';
      // A change that was reported meanwhile may have removed the entry.
      const last = isOutage && old ? knowledge.findStale(reference, serveStaleMs) : undefined;
      if (!last) throw error;
      return toStaleRoute(last);
    }
  }

  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    closer.abort(new TenantRegistryError('REGISTRY_UNAVAILABLE', 'This registry client is closed'));
    await renewal.close();
    transport.close();
  }

  return {
    find(reference) {
      const known = closing.aborted ? undefined : knowledge.find(reference)?.resolution;
      return known && isRoute(known) ? known : undefined;
    },
    resolve: (reference) => explaining(find(lookup, reference).then(({ resolution }) => toRoute(resolution))),
    resolveOrStale: (reference) => explaining(resolveOrStale(reference)),
    resolveConfig: (reference) =>
      explaining(
        find(configLookup, reference).then(({ resolution, config = {} }) => ({
          route: toRoute(resolution),
          config,
        })),
      ),
    resolveAnew(reference) {
      knowledge.forget(reference);
      return explaining(lookup.findAnew(reference).then(toRoute));
    },
    async recordUsage(record) {
      closing.throwIfAborted();
      return explaining(usage.record(record));
    },
    get size() {
      return knowledge.size;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

function toRoute(resolution: Resolution): TenantRoute {
  if (isRoute(resolution)) return resolution;
  throw new TenantRegistryError(resolution.code, resolution.message);
}

function toStaleRoute(resolution: Resolution): TenantRoute {
  if (isRoute(resolution)) return { ...resolution, isStale: true };
  throw new TenantRegistryError(resolution.code, resolution.message, { isStale: true });
}
