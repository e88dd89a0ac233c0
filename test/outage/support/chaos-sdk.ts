/** Services that resolve by the client of the registry, and write down what it told them. */
import { setTimeout as delay } from 'node:timers/promises';
import { createTenantRegistry, type TenantRegistry, TenantRegistryError } from '../../../src/client/index.js';
import { type ChaosTenant, numberOf, pick, readValue, type Town } from './chaos-clients.js';

/** One service: its process comes and goes, its ways to the gateways stay. */
export interface Service {
  name: string;
  /** To each gateway, and the names of what lies on each way: "A", "door A". */
  ways: { url: string; passes: string[] }[];
  key: string;
}

const readers = 2;
const longestLifeMs = 8_000;

/** Asks over and over, and every few seconds begins anew with a client that knows nothing. */
export async function runService(town: Town, service: Service): Promise<void> {
  for (let life = 1; !town.isOver(); life++) {
    const registry = createTenantRegistry({
      url: service.ways.map(({ url }) => url),
      apiKey: service.key,
      module: 'finance',
      hints: town.random() < 0.8,
    });
    const endsAt = Date.now() + (0.2 + 0.8 * town.random()) * longestLifeMs;
    const isOver = () => town.isOver() || Date.now() >= endsAt;
    const name = `${service.name}.${life}`;
    await Promise.all(
      Array.from({ length: readers }, async () => {
        for (; !isOver(); await delay(town.random() * 30)) await read(town, service, { name, registry });
      }),
    );
    await registry.close();
  }
}

async function read(
  town: Town,
  service: Service,
  { name, registry }: { name: string; registry: TenantRegistry },
): Promise<void> {
  const asked = Array.from({ length: town.random() < 0.7 ? 1 : 4 }, () => pick(town, town.tenants));
  const references = asked.map(({ id, slug }) => (town.random() < 0.5 ? id : slug));
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
      town.notebook.failures.push({ what: answer.code, ...when, ways, message: answer.message });
    } else
      town.notebook.answers.push({
        ...{ subject: `route/${id}`, value, ...when },
        // Refusals do not say when they were read: they have to fit into their time.
        asOf: isError ? undefined : numberOf(answer.revision),
        service: { name, reference: references[at] as string },
      });
  }
}

/** What is an answer; anything else is an error that a service gets to see. */
const refusals = new Set<string>([
  ...['TENANT_NOT_FOUND', 'TENANT_SUSPENDED', 'TENANT_DELETED', 'TENANT_NOT_READY'],
  'MODULE_NOT_SUBSCRIBED',
]);
