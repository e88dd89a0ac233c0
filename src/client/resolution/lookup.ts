import { isCode, TenantRegistryError, type TenantRegistryErrorCode } from '../error.js';
import type { Gateways } from '../gateways/gateways.js';
import { errorsOf, GatewayFailure, type Transport } from '../gateways/http.js';
import type { ResolveManyQuery, ResolveStronglyQuery, RouteFragment } from '../generated/operations.js';
import type { Knowledge } from './knowledge.js';
import { type Finding, isRoute, type Resolution, type StoredConfig, type TenantRoute } from './route.js';

export interface LookupOptions {
  module: string;
  /** Oldest migration that a tenant may be at. */
  minMigration: string | undefined;
  /** Also requests each tenant's configuration. */
  withConfig: boolean;
  gateways: Gateways;
  transport: Transport;
  knowledge: Knowledge;
  /** Resolves when the position of this client is known or cannot be determined now. */
  begun: () => Promise<void>;
  /** Timeout of one request, in milliseconds. */
  timeoutMs: number;
  /** How long to search for a gateway that answers, in milliseconds. */
  patienceMs: () => number;
}

interface Flight {
  isSent: boolean;
  landed: Promise<Finding>;
  land: (finding: Finding) => void;
  fail: (error: unknown) => void;
}

/** The gateway's limit of keys per request. */
const maxKeys = 500;

/** Maximum number of concurrent requests; further keys wait for the next one. */
const maxRequests = 4;

/** How often one gateway is asked again when a change overtook its response. */
const maxOvertaken = 3;

const resolveMany = /* GraphQL */ `
  query ResolveMany($keys: [TenantSchemaKey!]!, $minRevision: Revision, $withConfig: Boolean!) {
    tenantSchemas(keys: $keys, minRevision: $minRevision) {
      ... on TenantSchema { ...Route config @include(if: $withConfig) isConfigFile @include(if: $withConfig) }
      ... on TenantSchemaRefusal { code message asOf }
    }
  }
  fragment Route on TenantSchema {
    tenantId tenantSlug externalId module schemaName searchPath databaseName isolation generation migrationVersion revision
  }
`;

const resolveStrongly = /* GraphQL */ `
  query ResolveStrongly($id: ID!, $module: ModuleName!, $minMigration: String) {
    tenantSchema(id: $id, module: $module, consistency: STRONG, minMigration: $minMigration) {
      tenantId tenantSlug externalId module schemaName searchPath databaseName isolation generation migrationVersion revision
    }
  }
`;

type Answer = ResolveManyQuery['tenantSchemas'][number];

/** Requests unknown tenants from gateways: one flight per tenant, many tenants per request. */
export class Lookup {
  readonly #options: LookupOptions;
  readonly #flights = new Map<string, Flight>();
  #waiting = new Map<string, Flight>();
  #requests = 0;
  #isScheduled = false;
  /** The revision of the previous response; routes share the string. */
  #revision = '';

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /**
   * Returns the registry's answer for a tenant. A flight that was sent before this call may bring an older answer,
   * which counts only while this client's lease proves it.
   */
  async find(reference: string): Promise<Finding> {
    for (;;) {
      const flight = this.#flights.get(reference) ?? this.#board(reference);
      const wasSent = flight.isSent;
      const finding = await flight.landed;
      if (!wasSent) return finding;
      const known = this.findKnown(reference);
      if (known) return known;
    }
  }

  /** Returns the cached, current entry if it has everything that this lookup needs. */
  findKnown(reference: string): Finding | undefined {
    const { knowledge, withConfig } = this.#options;
    const known = knowledge.find(reference);
    return known && withConfig && isRoute(known.resolution) && !known.config ? undefined : known;
  }

  /** Reads a tenant from the primary database, past the caches of this client and the gateway. */
  async findAnew(reference: string): Promise<Resolution> {
    const { gateways, transport, knowledge, module, minMigration, timeoutMs, patienceMs } = this.#options;
    return gateways.ask(async ({ url }) => {
      const body = await transport.post(
        `${url}/graphql`,
        { query: resolveStrongly, variables: { id: reference, module, minMigration } },
        { timeoutMs },
      );
      const [error] = errorsOf(body);
      if (error && isCode(error.code) && !isOutage(error.code))
        return { code: error.code, message: error.message };
      const route = (body as { data?: ResolveStronglyQuery }).data?.tenantSchema;
      if (error || !route)
        throw new GatewayFailure(`${url}: ${error?.message ?? 'the response has no data'}`);
      requireAbout(url, route, { reference, module });
      const resolution = toRoute(route);
      if (knowledge.learn(reference, { resolution, revision: route.revision }) === 'overtaken')
        throw new GatewayFailure(`${url} is behind this client`);
      return resolution;
    }, patienceMs());
  }

  #board(reference: string): Flight {
    let land: Flight['land'] = () => undefined;
    let fail: Flight['fail'] = () => undefined;
    const landed = new Promise<Finding>((resolve, reject) => {
      land = resolve;
      fail = reject;
    });
    const flight: Flight = { isSent: false, landed, land, fail };
    this.#flights.set(reference, flight);
    this.#waiting.set(reference, flight);
    const leave = () => this.#flights.delete(reference);
    landed.then(leave, leave);
    this.#schedule();
    return flight;
  }

  /** Runs after all keys of this turn of the event loop have been collected. */
  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0 || this.#requests >= maxRequests) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const batch = new Map([...this.#waiting].slice(0, maxKeys));
      for (const reference of batch.keys()) this.#waiting.delete(reference);
      this.#requests++;
      this.#send(batch).finally(() => {
        this.#requests--;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  async #send(batch: ReadonlyMap<string, Flight>): Promise<void> {
    const { gateways, begun, patienceMs } = this.#options;
    const open = new Map(batch);
    try {
      await begun();
      for (const flight of batch.values()) flight.isSent = true;
      await gateways.ask(async ({ url }) => {
        for (let round = 0; round < maxOvertaken && open.size > 0; round++) await this.#ask(url, open);
        if (open.size > 0) throw new GatewayFailure(`${url} is behind this client`);
      }, patienceMs());
    } catch (error) {
      for (const flight of open.values()) flight.fail(error);
    }
  }

  /**
   * Sends one request. Settles the flights that it answers and leaves the others open. Throws GatewayFailure when
   * the gateway cannot answer one of them.
   */
  async #ask(url: string, open: Map<string, Flight>): Promise<void> {
    const { transport, knowledge, module, minMigration, withConfig, timeoutMs } = this.#options;
    const references = [...open.keys()];
    const keys = references.map((id) => ({ id, module, minMigration }));
    const variables = { keys, minRevision: knowledge.floorOf(references), withConfig };
    const body = await transport.post(`${url}/graphql`, { query: resolveMany, variables }, { timeoutMs });
    const answers = readAnswers(url, body, references.length);
    let outage: GatewayFailure | undefined;
    for (const [at, reference] of references.entries()) {
      const answer = answers[at] as Answer;
      const flight = open.get(reference) as Flight;
      if ('code' in answer && isOutage(answer.code)) {
        outage = new GatewayFailure(`${url}: ${answer.message}`);
        continue;
      }
      if (!('code' in answer)) requireAbout(url, answer, { reference, module });
      const finding = this.#toFinding(answer);
      // The tenant was removed between the reads of its route and its configuration.
      if (withConfig && isRoute(finding.resolution) && !finding.config) continue;
      // A refusal without a revision is not cached: it is not about the tenant (the key lacks the scope, the id is
      // malformed), or it may end without a change of the tenant, as the end of a rollout.
      const revision = 'code' in answer ? answer.asOf : answer.revision;
      // A change of a file has no revision, so a configuration from a file is not cached.
      const kept = 'code' in answer || !answer.isConfigFile ? finding : { ...finding, config: undefined };
      if (revision !== null && knowledge.learn(reference, { ...kept, revision }) === 'overtaken') continue;
      open.delete(reference);
      flight.land(finding);
    }
    if (outage) throw outage;
  }

  #toFinding(answer: Answer): Finding {
    if ('code' in answer)
      return { resolution: { code: answer.code as TenantRegistryErrorCode, message: answer.message } };
    if (answer.revision !== this.#revision) this.#revision = answer.revision;
    return {
      resolution: toRoute(answer, this.#revision),
      // The registry stores only objects.
      config: (answer.config ?? undefined) as StoredConfig | undefined,
    };
  }
}

function readAnswers(url: string, body: unknown, count: number): readonly Answer[] {
  const [error] = errorsOf(body);
  if (error && isCode(error.code) && !isOutage(error.code))
    throw new TenantRegistryError(error.code, error.message);
  if (error) throw new GatewayFailure(`${url}: ${error.message}`);
  const answers = (body as { data?: ResolveManyQuery }).data?.tenantSchemas;
  if (answers?.length !== count) throw new GatewayFailure(`${url} sent an unexpected response`);
  return answers;
}

/** A response about another tenant or module must never become a route, whatever confused the gateway. */
function requireAbout(
  url: string,
  route: RouteFragment,
  { reference, module }: { reference: string; module: string },
): void {
  const isAsked = [route.tenantId, route.tenantSlug, route.externalId].includes(reference);
  const isQuoted = route.searchPath === `"${route.schemaName.replaceAll('"', '""')}"`;
  if (!isAsked || !isQuoted || route.module !== module)
    throw new GatewayFailure(`${url} answered about another tenant or module than ${reference}, ${module}`);
}

/**
 * Whether the code means that the gateway cannot tell now. A code of a newer gateway that this client does not know
 * counts as such.
 */
function isOutage(code: string): boolean {
  return code === 'REGISTRY_UNAVAILABLE' || code === 'REVISION_NOT_REACHED' || !isCode(code);
}

/** Written out field by field: V8 keeps a hidden class per spread copy, which takes more memory than the route. */
function toRoute(answer: RouteFragment, revision = answer.revision): TenantRoute {
  return {
    tenantId: answer.tenantId,
    tenantSlug: answer.tenantSlug,
    externalId: answer.externalId,
    module: answer.module,
    schemaName: answer.schemaName,
    searchPath: answer.searchPath,
    databaseName: answer.databaseName,
    isolation: answer.isolation,
    generation: answer.generation,
    migrationVersion: answer.migrationVersion,
    revision,
    isStale: false,
  };
}
