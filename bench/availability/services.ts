/** Services that use the client package, in groups by the URLs that they have. */
import type { TenantRegistry } from '../../src/client/index.js';
import { once } from '../../test/client/support/client-outcomes.js';
import { isWrong, startTraffic, type Tally, type Traffic } from '../../test/client/support/client-traffic.js';
import { names, type World } from './world.js';

export interface Group {
  name: string;
  /** Whether its clients have the URLs of two gateways, so that the loss of one is no error. */
  isJudged: boolean;
  clients: TenantRegistry[];
  traffic: Traffic;
}

export async function openServices(world: World): Promise<Group[]> {
  const { A, B, C } = world.urls;
  const proxy = world.nginx.url;
  const ways: Record<string, string[][]> = {
    'two gateways': [
      [A, B],
      [B, C],
      [C, A],
      [B, A],
      [C, B],
    ],
    'three gateways': [
      [A, B, C],
      [C, B, A],
    ],
    'nginx and a gateway': [
      [proxy, A],
      [proxy, B],
    ],
    'nginx alone': [[proxy]],
  };
  const groups: Group[] = [];
  for (const [name, lists] of Object.entries(ways)) {
    const clients = lists.map((urls) => world.connect(urls));
    await Promise.all(clients.map((client) => once(client, 'ready')));
    for (const client of clients) await client.resolveMany(world.tenants.map(({ id }) => id));
    groups.push({
      name,
      isJudged: !name.includes('nginx'),
      clients,
      traffic: startTraffic(world, clients, world.pool),
    });
  }
  return groups;
}

/** What services saw in a time. */
export interface Seen {
  done: number;
  errors: Record<string, number>;
  wrong: number;
  longestPauseMs: Record<string, number>;
  /** The longest pause of any kind, without what was before a promotion had ended. */
  ownPauseMs: number;
  examples: string[];
}

export function take(groups: readonly Group[]): { judged: Seen; other: Seen } {
  const open = (): Seen => ({
    done: 0,
    errors: {},
    wrong: 0,
    longestPauseMs: {},
    ownPauseMs: 0,
    examples: [],
  });
  const seen = { judged: open(), other: open() };
  for (const { name, isJudged, traffic } of groups)
    for (const [kind, tally] of Object.entries(traffic.take()))
      add(isJudged ? seen.judged : seen.other, { name, kind, tally });
  return seen;
}

function add(seen: Seen, { name, kind, tally }: { name: string; kind: string; tally: Tally }): void {
  seen.done += tally.done;
  for (const [what, count] of Object.entries(tally.failed)) {
    if (isWrong(what)) seen.wrong += count;
    const place = `${kind}: ${what}`;
    seen.errors[place] = (seen.errors[place] ?? 0) + count;
    seen.examples.push(`${name}, ${place}${tally.lastError ? ` (${tally.lastError})` : ''}`);
  }
  seen.longestPauseMs[kind] = Math.max(seen.longestPauseMs[kind] ?? 0, tally.longestPauseMs);
  seen.ownPauseMs = Math.max(seen.ownPauseMs, tally.pauseAfterMarkMs);
}

/** Whether gateways are ready, and every client gets an answer from its own. */
export async function isHealthy(world: World, groups: readonly Group[]): Promise<boolean> {
  const isReady = async (url: string) =>
    (await fetch(`${url}/ready`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined))?.status ===
    200;
  const ready = await Promise.all(names.map((name) => isReady(world.urls[name])));
  if (ready.includes(false)) return false;
  const id = world.tenants[0]?.id as string;
  const answers = await Promise.all(
    groups.flatMap(({ clients }) => clients.map((client) => client.resolveMany([id]))),
  );
  return answers.every(([answer]) => !(answer instanceof Error));
}
