/** Clients that hop between gateways: some ask, some change, and all write down what they were told. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import { type Acknowledged, type Answered, route, suspended } from './chaos-truth.js';

export interface ChaosTenant {
  id: string;
  slug: string;
  /** Registered already; the others are asked for all the same, and registered in between. */
  isBorn: boolean;
}

/** What was not an answer of the registry: an error that has to be allowed by what was broken at the time. */
export interface Failure {
  what: string;
  gateway: string;
  startedAt: number;
  endedAt: number;
  /** What lies on each way to the registry, for a service that knows several: all of them must have been broken. */
  ways?: readonly (readonly string[])[];
  /** For people. */
  message?: string;
}

export interface Notebook {
  answers: Answered[];
  acknowledged: Acknowledged[];
  failures: Failure[];
  mutations: { tookMs: number; at: number; wait: string }[];
}

export interface Town {
  tenants: ChaosTenant[];
  /** Changes as gateways come and go. */
  gateways: Map<string, GatewayProcess>;
  notebook: Notebook;
  /** Of the newest change that was answered, as clients hand it on to each other. */
  token?: string;
  isOver: () => boolean;
  random: () => number;
}

const requestTimeoutMs = 15_000;

/** What a mutation may be told by the rules of the registry, for somebody else was quicker. */
const ruleCodes = new Set([
  ...['CONFLICT', 'TENANT_NOT_FOUND', 'TENANT_SUSPENDED', 'TENANT_DELETED', 'TENANT_NOT_READY'],
  ...['MODULE_NOT_SUBSCRIBED', 'OPERATION_IN_PROGRESS'],
]);

interface Told {
  data: Record<string, unknown> | null;
  errors: { message: string; extensions?: { code?: string } }[];
  startedAt: number;
  endedAt: number;
  gateway: string;
}

/** One request to any of the gateways; undefined when it failed, which is written down. */
async function tell(town: Town, query: string, variables: object): Promise<Told | undefined> {
  const [name, gateway] = pick(town, [...town.gateways]);
  const startedAt = Date.now();
  try {
    const { data, errors, codes } = await Promise.race([
      gateway.ask(query, variables as Record<string, unknown>),
      delay(requestTimeoutMs).then(() => {
        throw new Error('no answer');
      }),
    ]);
    const told = { data, errors, startedAt, endedAt: Date.now(), gateway: name };
    for (const code of codes)
      if (!code || /UNAVAILABLE|INTERNAL|NOT_REACHED|UNAUTHENTICATED|FORBIDDEN|VALIDATION/.test(code)) {
        town.notebook.failures.push({
          what: code ?? 'no code',
          gateway: name,
          startedAt,
          endedAt: told.endedAt,
        });
        return undefined;
      }
    return told;
  } catch (error) {
    const { message, cause } = error as Error;
    const what = `network: ${(cause as NodeJS.ErrnoException)?.code ?? message}`;
    town.notebook.failures.push({ what, gateway: name, startedAt, endedAt: Date.now() });
    return undefined;
  }
}

export function pick<T>({ random }: Pick<Town, 'random'>, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

const resolveMany = `query ($keys: [TenantSchemaKey!]!, $minRevision: Revision) {
  tenantSchemas(keys: $keys, minRevision: $minRevision) {
    ... on TenantSchema { schemaName revision }
    ... on TenantSchemaRefusal { code message }
  }
}`;

interface SchemaOrRefusal {
  schemaName?: string;
  revision?: string;
  code?: string;
  message?: string;
}

/** Resolves over and over; every other one keeps a token, and every answer it gets renews it. */
export async function runReader(town: Town, keepsToken: boolean): Promise<void> {
  let token: string | undefined;
  while (!town.isOver()) {
    const asked = Array.from({ length: 1 + Math.floor(town.random() * 5) }, () => pick(town, town.tenants));
    const keys = asked.map(({ id, slug }) => ({ id: town.random() < 0.5 ? id : slug, module: 'finance' }));
    if (keepsToken) token = newest(token, town.token);
    const told = await tell(town, resolveMany, { keys, minRevision: token });
    for (const [at, answer] of ((told?.data?.tenantSchemas ?? []) as SchemaOrRefusal[]).entries()) {
      const { id } = asked[at] as ChaosTenant;
      if (!told) break;
      const { startedAt, endedAt, gateway } = told;
      const value = readValue(answer);
      if (/UNAVAILABLE|NOT_REACHED/.test(value)) {
        town.notebook.failures.push({ what: value, gateway, startedAt, endedAt });
        continue;
      }
      const asOf = answer.revision === undefined ? undefined : numberOf(answer.revision);
      town.notebook.answers.push({
        subject: `route/${id}`,
        ...{ value, asOf, startedAt, endedAt, gateway },
        token: token === undefined ? undefined : numberOf(token),
      });
    }
    for (const { revision } of (told?.data?.tenantSchemas ?? []) as SchemaOrRefusal[])
      if (keepsToken) token = newest(token, revision);
    await delay(town.random() * 4);
  }
}

/** Asks for configurations, which are cached under the same rules. */
export async function runConfigReader(town: Town): Promise<void> {
  while (!town.isOver()) {
    const { id } = pick(
      town,
      town.tenants.filter(({ isBorn }) => isBorn),
    );
    const told = await tell(town, 'query ($id: ID!) { tenant(id: $id) { config } }', { id });
    const tenant = told?.data?.tenant as { config: unknown } | null | undefined;
    if (told && tenant) {
      const { startedAt, endedAt, gateway } = told;
      const value = JSON.stringify(tenant.config);
      town.notebook.answers.push({ subject: `config/${id}`, value, startedAt, endedAt, gateway });
    }
    await delay(town.random() * 20);
  }
}

/** Changes tenants by mutations, each of which only one client has in hand at a time. */
export async function runMutator(town: Town, mine: readonly ChaosTenant[]): Promise<void> {
  while (!town.isOver()) {
    const tenant = pick(town, mine);
    const wait = town.random() < 0.3 ? 'COMMITTED' : town.random() < 0.5 ? 'EVERYWHERE' : 'GATEWAYS';
    const [mutation, input] = tenant.isBorn
      ? pick(town, [
          ...Array<[string, object]>(3).fill(['suspendTenant', { reason: randomUUID() }]),
          ...Array<[string, object]>(4).fill(['resumeTenant', {}]),
          ['deleteTenant', {}],
          ...Array<[string, object]>(2).fill(['restoreTenant', {}]),
          ['updateTenant', { name: `Name ${Math.floor(town.random() * 1e6)}` }],
          ['unsubscribeTenantFromModule', { module: 'finance' }],
          ...Array<[string, object]>(2).fill(['subscribeTenantToModule', { module: 'finance' }]),
        ] as [string, object][])
      : ['registerTenant', { id: tenant.id, slug: tenant.slug, name: 'Late' }];
    const whom = tenant.isBorn && { tenantId: tenant.id };
    const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const told = await tell(
      town,
      `mutation ($input: ${inputType}!) { result: ${mutation}(input: $input) { revision } }`,
      { input: { ...whom, ...input, wait } },
    );
    const revision = (told?.data?.result as { revision: string } | null)?.revision;
    if (told && revision) {
      tenant.isBorn = true;
      town.token = newest(town.token, revision) ?? revision;
      town.notebook.mutations.push({ tookMs: told.endedAt - told.startedAt, at: told.endedAt, wait });
      if (wait !== 'COMMITTED')
        town.notebook.acknowledged.push({
          tenantId: tenant.id,
          revision: numberOf(revision),
          at: told.endedAt,
          isEverywhere: wait === 'EVERYWHERE',
        });
    } else if (told) {
      const { startedAt, endedAt, gateway } = told;
      const codes = told.errors.map(({ extensions }) => extensions?.code ?? 'none');
      // A registration whose answer was lost has happened all the same.
      if (mutation === 'registerTenant' && codes.includes('CONFLICT')) tenant.isBorn = true;
      for (const code of codes)
        if (!ruleCodes.has(code))
          town.notebook.failures.push({ what: `${mutation}: ${code}`, gateway, startedAt, endedAt });
    }
    await delay(town.random() * 60);
  }
}

export function readValue({ schemaName, code = 'none', message = '' }: SchemaOrRefusal): string {
  if (schemaName !== undefined) return route(schemaName);
  if (code !== 'TENANT_SUSPENDED') return code;
  const reason = /^Tenant \S+ is suspended: (.*)$/.exec(message)?.[1];
  return reason === undefined ? 'SUBSCRIPTION_SUSPENDED' : suspended(reason);
}

export function numberOf(revision: string): number {
  return Number(revision.split(':')[1]);
}

function newest(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return numberOf(one) < numberOf(other) ? other : one;
}
