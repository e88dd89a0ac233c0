/** Services that resolve routes with the client package and record its answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { createTenantRegistry, type TenantRegistry, TenantRegistryError } from '../../../src/client/index.js';
import { type ChaosRun, type ChaosTenant, numberOf, pick, readValue } from './chaos-clients.js';

/** One service: its process restarts, its connections to the gateways remain. */
export interface Service {
  name: string;
  /** The URL for each gateway, and the names of the components on that connection: "A", "door A". */
  ways: { url: string; passes: string[] }[];
  key: string;
}

const readers = 2;
const longestLifeMs = 8_000;

/** Resolves repeatedly, and every few seconds starts a new client with an empty cache. */
export async function runService(chaosRun: ChaosRun, service: Service): Promise<void> {
  for (let life = 1; !chaosRun.isOver(); life++) {
    const registry = createTenantRegistry({
      url: service.ways.map(({ url }) => url),
      apiKey: service.key,
      module: 'finance',
      hints: chaosRun.random() < 0.8,
    });
    const endsAt = Date.now() + (0.2 + 0.8 * chaosRun.random()) * longestLifeMs;
    const isOver = () => chaosRun.isOver() || Date.now() >= endsAt;
    const name = `${service.name}.${life}`;
    await Promise.all(
      Array.from({ length: readers }, async () => {
        for (; !isOver(); await delay(chaosRun.random() * 30))
          await read(chaosRun, service, { name, registry });
      }),
    );
    await registry.close();
  }
}

async function read(
  chaosRun: ChaosRun,
  service: Service,
  { name, registry }: { name: string; registry: TenantRegistry },
): Promise<void> {
  const asked = Array.from({ length: chaosRun.random() < 0.7 ? 1 : 4 }, () =>
    pick(chaosRun, chaosRun.tenants),
  );
  const references = asked.map(({ id, slug }) => (chaosRun.random() < 0.5 ? id : slug));
  const startedAt = Date.now();
  const answers = await registry.resolveMany(references);
  const endedAt = Date.now();
  for (const [at, answer] of answers.entries()) {
    const { id } = asked[at] as ChaosTenant;
    const isError = answer instanceof TenantRegistryError;
    const value = readValue(isError ? { code: answer.code, message: answer.message } : answer);
    const when = { startedAt, endedAt, gateway: name };
    if (isError && !refusals.has(answer.code)) {
      const ways = service.ways.map(({ passes }) => passes);
      chaosRun.notebook.failures.push({ what: answer.code, ...when, ways, message: answer.message });
    } else
      chaosRun.notebook.answers.push({
        ...{ subject: `route/${id}`, value, ...when },
        // Refusals have no revision, so they must fit the time of the request.
        asOf: isError ? undefined : numberOf(answer.revision),
        service: { name, reference: references[at] as string },
      });
  }
}

/** The codes that are answers; every other code is an error for the service. */
const refusals = new Set<string>([
  ...['TENANT_NOT_FOUND', 'TENANT_SUSPENDED', 'TENANT_DELETED', 'TENANT_NOT_READY'],
  'MODULE_NOT_SUBSCRIBED',
]);
