/** Clients that change between gateways: some read, some write, and all record the answers they get. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import {
  type Acknowledged,
  type Answered,
  route,
  suspended,
  suspendedWithoutSubscription,
} from './chaos-truth.js';

export interface ChaosTenant {
  id: string;
  slug: string;
  /** True when it is registered. The others are requested as well, and registered during the run. */
  isBorn: boolean;
}

/** A failed request. The faults at that time must explain it. */
export interface Failure {
  what: string;
  gateway: string;
  startedAt: number;
  endedAt: number;
  /**
   * The components on each connection to the registry, for a service with several connections: all of them must have
   * been broken.
   */
  ways?: readonly (readonly string[])[];
  /** A description for the report. */
  message?: string;
}

export interface Notebook {
  answers: Answered[];
  acknowledged: Acknowledged[];
  failures: Failure[];
  mutations: { tookMs: number; at: number; wait: string }[];
}

export interface ChaosRun {
  tenants: ChaosTenant[];
  /** The current gateways by name. */
  gateways: Map<string, GatewayProcess>;
  notebook: Notebook;
  /** The revision of the newest answered change, which clients share. */
  token?: string;
  isOver: () => boolean;
  random: () => number;
}

const requestTimeoutMs = 15_000;

/** Refusals that a mutation may get because another client was faster. */
const ruleCodes = new Set([
  ...['CONFLICT', 'TENANT_NOT_FOUND', 'TENANT_SUSPENDED', 'TENANT_DELETED', 'TENANT_NOT_READY'],
  ...['MODULE_NOT_SUBSCRIBED', 'OPERATION_IN_PROGRESS'],
]);

interface Response {
  data: Record<string, unknown> | null;
  errors: { message: string; extensions?: { code?: string } }[];
  startedAt: number;
  endedAt: number;
  gateway: string;
}

/** Sends one request to a random gateway; returns undefined when it failed, which is recorded. */
async function send(chaosRun: ChaosRun, query: string, variables: object): Promise<Response | undefined> {
  const [name, gateway] = pick(chaosRun, [...chaosRun.gateways]);
  const startedAt = Date.now();
  try {
    const { data, errors, codes } = await Promise.race([
      gateway.ask(query, variables as Record<string, unknown>),
      delay(requestTimeoutMs).then(() => {
        throw new Error('no answer');
      }),
    ]);
    const response = { data, errors, startedAt, endedAt: Date.now(), gateway: name };
    for (const code of codes)
      if (!code || /UNAVAILABLE|INTERNAL|NOT_REACHED|UNAUTHENTICATED|FORBIDDEN|VALIDATION/.test(code)) {
        chaosRun.notebook.failures.push({
          what: code ?? 'no code',
          gateway: name,
          startedAt,
          endedAt: response.endedAt,
        });
        return undefined;
      }
    return response;
  } catch (error) {
    const { message, cause } = error as Error;
    const what = `network: ${(cause as NodeJS.ErrnoException)?.code ?? message}`;
    chaosRun.notebook.failures.push({ what, gateway: name, startedAt, endedAt: Date.now() });
    return undefined;
  }
}

export function pick<T>({ random }: Pick<ChaosRun, 'random'>, from: readonly T[]): T {
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

/** Resolves routes repeatedly. Every second client keeps a token, which each answer renews. */
export async function runReader(chaosRun: ChaosRun, keepsToken: boolean): Promise<void> {
  let token: string | undefined;
  while (!chaosRun.isOver()) {
    const asked = Array.from({ length: 1 + Math.floor(chaosRun.random() * 5) }, () =>
      pick(chaosRun, chaosRun.tenants),
    );
    const keys = asked.map(({ id, slug }) => ({
      id: chaosRun.random() < 0.5 ? id : slug,
      module: 'finance',
    }));
    if (keepsToken) token = newest(token, chaosRun.token);
    const response = await send(chaosRun, resolveMany, { keys, minRevision: token });
    for (const [at, answer] of ((response?.data?.tenantSchemas ?? []) as SchemaOrRefusal[]).entries()) {
      const { id } = asked[at] as ChaosTenant;
      if (!response) break;
      const { startedAt, endedAt, gateway } = response;
      const value = readValue(answer);
      if (/UNAVAILABLE|NOT_REACHED/.test(value)) {
        chaosRun.notebook.failures.push({ what: value, gateway, startedAt, endedAt });
        continue;
      }
      const asOf = answer.revision === undefined ? undefined : numberOf(answer.revision);
      chaosRun.notebook.answers.push({
        subject: `route/${id}`,
        ...{ value, asOf, startedAt, endedAt, gateway },
        token: token === undefined ? undefined : numberOf(token),
      });
    }
    for (const { revision } of (response?.data?.tenantSchemas ?? []) as SchemaOrRefusal[])
      if (keepsToken) token = newest(token, revision);
    await delay(chaosRun.random() * 4);
  }
}

/** Reads configurations, which are cached under the same rules. */
export async function runConfigReader(chaosRun: ChaosRun): Promise<void> {
  while (!chaosRun.isOver()) {
    const { id } = pick(
      chaosRun,
      chaosRun.tenants.filter(({ isBorn }) => isBorn),
    );
    const response = await send(chaosRun, 'query ($id: ID!) { tenant(id: $id) { config } }', { id });
    const tenant = response?.data?.tenant as { config: unknown } | null | undefined;
    if (response && tenant) {
      const { startedAt, endedAt, gateway } = response;
      const value = JSON.stringify(tenant.config);
      chaosRun.notebook.answers.push({ subject: `config/${id}`, value, startedAt, endedAt, gateway });
    }
    await delay(chaosRun.random() * 20);
  }
}

/** Changes tenants by mutations; each tenant belongs to one client. */
export async function runMutator(chaosRun: ChaosRun, mine: readonly ChaosTenant[]): Promise<void> {
  while (!chaosRun.isOver()) {
    const tenant = pick(chaosRun, mine);
    const wait = chaosRun.random() < 0.3 ? 'COMMITTED' : chaosRun.random() < 0.5 ? 'EVERYWHERE' : 'GATEWAYS';
    const [mutation, input] = tenant.isBorn
      ? pick(chaosRun, [
          ...Array<[string, object]>(3).fill(['suspendTenant', { reason: randomUUID() }]),
          ...Array<[string, object]>(4).fill(['resumeTenant', {}]),
          ['deleteTenant', {}],
          ...Array<[string, object]>(2).fill(['restoreTenant', {}]),
          ['updateTenant', { name: `Name ${Math.floor(chaosRun.random() * 1e6)}` }],
          ['unsubscribeTenantFromModule', { module: 'finance' }],
          ...Array<[string, object]>(2).fill(['subscribeTenantToModule', { module: 'finance' }]),
        ] as [string, object][])
      : ['registerTenant', { id: tenant.id, slug: tenant.slug, name: 'Late' }];
    const whom = tenant.isBorn && { tenantId: tenant.id };
    const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const response = await send(
      chaosRun,
      `mutation ($input: ${inputType}!) { result: ${mutation}(input: $input) { revision } }`,
      { input: { ...whom, ...input, wait } },
    );
    const revision = (response?.data?.result as { revision: string } | null)?.revision;
    if (response && revision) {
      tenant.isBorn = true;
      chaosRun.token = newest(chaosRun.token, revision) ?? revision;
      chaosRun.notebook.mutations.push({
        tookMs: response.endedAt - response.startedAt,
        at: response.endedAt,
        wait,
      });
      if (wait !== 'COMMITTED')
        chaosRun.notebook.acknowledged.push({
          tenantId: tenant.id,
          revision: numberOf(revision),
          at: response.endedAt,
          isEverywhere: wait === 'EVERYWHERE',
        });
    } else if (response) {
      const { startedAt, endedAt, gateway } = response;
      const codes = response.errors.map(({ extensions }) => extensions?.code ?? 'none');
      // A registration whose answer was lost may still have happened.
      if (mutation === 'registerTenant' && codes.includes('CONFLICT')) tenant.isBorn = true;
      for (const code of codes)
        if (!ruleCodes.has(code))
          chaosRun.notebook.failures.push({ what: `${mutation}: ${code}`, gateway, startedAt, endedAt });
    }
    await delay(chaosRun.random() * 60);
  }
}

export function readValue({ schemaName, code = 'none', message = '' }: SchemaOrRefusal): string {
  if (schemaName !== undefined) return route(schemaName);
  if (code !== 'TENANT_SUSPENDED') return code;
  if (message.startsWith('The subscription')) return 'SUBSCRIPTION_SUSPENDED';
  const reason = /^Tenant \S+ is suspended: (.*)$/.exec(message)?.[1];
  return reason === undefined ? suspendedWithoutSubscription : suspended(reason);
}

export function numberOf(revision: string): number {
  return Number(revision.split(':')[1]);
}

function newest(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return numberOf(one) < numberOf(other) ? other : one;
}
