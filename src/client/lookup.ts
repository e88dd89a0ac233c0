import { isCode, TenantRegistryError, type TenantRegistryErrorCode } from './error.js';
import type { Gateways } from './gateways.js';
import type { ResolveManyQuery, ResolveStronglyQuery, RouteFragment } from './generated/operations.js';
import { errorsOf, GatewayFailure, type Transport } from './http.js';
import type { Knowledge } from './knowledge.js';
import { type Finding, isRoute, type Resolution, type StoredConfig, type TenantRoute } from './route.js';

export interface LookupOptions {
  module: string;
  /** Asks for each tenant's configuration as well. */
  withConfig: boolean;
  gateways: Gateways;
  transport: Transport;
  knowledge: Knowledge;
  /** Resolves when the position of this client is known, or cannot be had now. */
  begun: () => Promise<void>;
  /** How long one request may take, in milliseconds. */
  timeoutMs: number;
  /** How long to look for a gateway that answers. */
  patienceMs: () => number;
}

interface Flight {
  isSent: boolean;
  landed: Promise<Finding>;
  land: (finding: Finding) => void;
  fail: (error: unknown) => void;
}

/** As many as one request to the gateway may ask for. */
const maxKeys = 500;

/** How many requests are under way at a time; what comes meanwhile goes with the next. */
const maxRequests = 4;

/** How often one gateway is asked again at once about what a change has overtaken meanwhile. */
const maxOvertaken = 3;

const resolveMany = /* GraphQL */ `
  query ResolveMany($keys: [TenantSchemaKey!]!, $minRevision: Revision, $withConfig: Boolean!) {
    tenantSchemas(keys: $keys, minRevision: $minRevision) {
      ... on TenantSchema { ...Route config @include(if: $withConfig) isConfigFile @include(if: $withConfig) }
      ... on TenantSchemaRefusal { code message asOf }
    }
  }
  fragment Route on TenantSchema {
    tenantId tenantSlug module schemaName searchPath databaseName isolation generation revision
  }
`;

const resolveStrongly = /* GraphQL */ `
  query ResolveStrongly($id: ID!, $module: ModuleName!) {
    tenantSchema(id: $id, module: $module, consistency: STRONG) {
      tenantId tenantSlug module schemaName searchPath databaseName isolation generation revision
    }
  }
`;

type Answer = ResolveManyQuery['tenantSchemas'][number];

/** Asks gateways for what is not known: one flight per tenant, many tenants in one request. */
export class Lookup {
  readonly #options: LookupOptions;
  readonly #flights = new Map<string, Flight>();
  #waiting = new Map<string, Flight>();
  #requests = 0;
  #isScheduled = false;
  /** Of the answer before: what many routes have in common is held once. */
  #revision = '';

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /**
   * What the registry says of a tenant. A flight that was under way before the question may bring an answer from before
   * it: that counts only while this client's lease proves it.
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

  /** What is known and current, if it is all that is looked for here. */
  findKnown(reference: string): Finding | undefined {
    const { knowledge, withConfig } = this.#options;
    const known = knowledge.find(reference);
    return known && withConfig && isRoute(known.resolution) && !known.config ? undefined : known;
  }

  /** What the primary database says of a tenant, past whatever is known here and at the gateway. */
  async findAnew(reference: string): Promise<Resolution> {
    const { gateways, transport, knowledge, module, timeoutMs, patienceMs } = this.#options;
    return gateways.ask(async ({ url }) => {
      const body = await transport.post(
        `${url}/graphql`,
        { query: resolveStrongly, variables: { id: reference, module } },
        { timeoutMs },
      );
      const [error] = errorsOf(body);
      if (error && isCode(error.code) && !isOutage(error.code))
        return { code: error.code, message: error.message };
      const route = (body as { data?: ResolveStronglyQuery }).data?.tenantSchema;
      if (error || !route) throw new GatewayFailure(`${url}: ${error?.message ?? 'no answer'}`);
      const resolution = toRoute(route);
      if (knowledge.learn(reference, { resolution, revision: route.revision }) === 'overtaken')
        throw new GatewayFailure(`${url} knows less than this client`);
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

  /** After everything that is being asked in this turn of the event loop. */
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
        if (open.size > 0) throw new GatewayFailure(`${url} knows less than this client`);
      }, patienceMs());
    } catch (error) {
      for (const flight of open.values()) flight.fail(error);
    }
  }

  /** One request. Lands whom it answers; the others stay open. Throws GatewayFailure when the gateway cannot answer one. */
  async #ask(url: string, open: Map<string, Flight>): Promise<void> {
    const { transport, knowledge, module, withConfig, timeoutMs } = this.#options;
    const references = [...open.keys()];
    const keys = references.map((id) => ({ id, module }));
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
      const finding = this.#toFinding(answer);
      // Between its route and its configuration the tenant went.
      if (withConfig && isRoute(finding.resolution) && !finding.config) continue;
      // What nothing was read for is no matter of this tenant: the key of this client may not ask, or the id is none.
      const revision = 'code' in answer ? answer.asOf : answer.revision;
      // A file changes without a revision that would tell: it is handed out, and asked for again the next time.
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
      // The registry keeps nothing else than an object.
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
  if (answers?.length !== count) throw new GatewayFailure(`${url} does not answer what it was asked`);
  return answers;
}

/** That the gateway cannot tell now is no answer. A code of a newer gateway, which this client does not know, is none either. */
function isOutage(code: string): boolean {
  return code === 'REGISTRY_UNAVAILABLE' || code === 'REVISION_NOT_REACHED' || !isCode(code);
}

/** Written out: of a copy by spread V8 keeps a description of its own, which takes more memory than the route. */
function toRoute(answer: RouteFragment, revision = answer.revision): TenantRoute {
  return {
    tenantId: answer.tenantId,
    tenantSlug: answer.tenantSlug,
    module: answer.module,
    schemaName: answer.schemaName,
    searchPath: answer.searchPath,
    databaseName: answer.databaseName,
    isolation: answer.isolation,
    generation: answer.generation,
    revision,
    isStale: false,
  };
}
