import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTenantRegistry } from '../../../src/client/index.js';
import { aRoute } from '../../client/support/stand-in-gateway.js';
import {
  hostileText,
  hostileValue,
  mutateJson,
  mutateText,
  type Outcome,
  pick,
  type Random,
} from './mutate.js';

const epoch = '7a6e3c1f9b2d4e50';
const slugs = ['alpha', 'beta', 'gamma', 'delta'];
const idOf = (slug: string) => `01980000-0000-7000-8000-${Buffer.from(slug.padEnd(6)).toString('hex')}`;

/** A gateway that tells the truth about routes, and whose event stream the test writes. */
export async function openStreamingGateway() {
  let number = 12;
  const streams = new Set<ServerResponse>();
  const truth = (slug: string) => ({ ...aRoute(slug), tenantId: idOf(slug), revision: `${epoch}:${number}` });
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as {
      has?: string;
      variables?: { keys?: { id: string }[]; id?: string };
    };
    if (request.headers.accept === 'text/event-stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    response.setHeader('content-type', 'application/json');
    if (request.url === '/lease') {
      const revision = `${epoch}:${number}`;
      return response.end(
        JSON.stringify({ revision, leaseRemainingMs: 5_000, changed: body.has === revision ? [] : null }),
      );
    }
    const { keys = [], id } = body.variables ?? {};
    const routes = (id === undefined ? keys : [{ id }]).map((key) => truth(key.id));
    response.end(
      JSON.stringify({ data: id === undefined ? { tenantSchemas: routes } : { tenantSchema: routes[0] } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    /** Moves the registry's revision on, as real changes do. */
    advance: () => `${epoch}:${++number}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends fuzzed frames to a client in the midst of true ones, in random pieces, and compares its answers. */
export async function fuzzEventFrames(count: number, random: Random): Promise<Outcome> {
  const outcome: Outcome = { tried: 0, compared: 0, wrong: [] };
  await using gateway = await openStreamingGateway();
  const registry = createTenantRegistry({ url: gateway.url, apiKey: 'trk_test', module: 'finance' });
  const onCrash = (error: unknown) => void outcome.wrong.push(`crash: ${error}`);
  process.on('uncaughtException', onCrash);
  try {
    await registry.resolve('alpha');
    while (outcome.tried < count) {
      // A client that lost its stream opens another one after a pause.
      for (let waited = 0; gateway.streams.size === 0 && waited < 2_000; waited++)
        await new Promise((go) => setTimeout(go, 5));
      for (let sent = 0; sent < 50 && outcome.tried < count; sent++, outcome.tried++) {
        const frame = fuzzFrame(random, gateway.advance);
        for (const stream of gateway.streams) {
          const cut = random(frame.length + 1);
          stream.write(frame.slice(0, cut));
          stream.write(frame.slice(cut));
        }
      }
      // Some streams end in the middle of a frame.
      if (random(40) === 0) for (const stream of gateway.streams) stream.end(hostileText(random));
      await nextTurn();
      for (const slug of slugs) {
        outcome.compared++;
        const answer = await registry.resolve(slug).then(
          ({ schemaName, tenantId }) => `${schemaName} ${tenantId}`,
          (error) => `refused: ${error.code}`,
        );
        const isTrue = answer === `finance_${slug} ${idOf(slug)}`;
        // A fuzzed event may claim a revision that no gateway has: then the client waits for it in vain, and serves nothing.
        if (!isTrue && !/^refused: (REVISION_NOT_REACHED|REGISTRY_UNAVAILABLE)$/.test(answer))
          outcome.wrong.push(`${slug}: ${answer}`);
      }
    }
  } finally {
    process.off('uncaughtException', onCrash);
    await registry.close();
  }
  return outcome;
}

function fuzzFrame(random: Random, advance: () => string): string {
  const slug = pick(random, slugs);
  const type = pick(random, ['CHANGE', 'REFUSALS', 'RESYNC', 'TENANT_CHANGED']);
  const event = { type, revision: advance(), tenantId: idOf(slug), tenantSlug: slug, module: 'finance' };
  const answer = { data: { routesChanged: event } };
  const text = `event: next\ndata: ${JSON.stringify(answer)}\n\n`;
  const fuzzed = { ...event, [pick(random, Object.keys(event))]: hostileValue(random) };
  const frame = (value: unknown) => `event: next\ndata: ${JSON.stringify(value)}\n\n`;
  return pick(random, [
    () => text,
    () => frame({ data: { routesChanged: fuzzed } }),
    () => frame({ data: { routesChanged: fuzzed } }),
    () => frame(mutateJson(random, answer)),
    () => frame({ data: { routesChanged: hostileValue(random) } }),
    () => mutateText(random, text, text),
    () => `${hostileText(random)}\n\n`,
    () => text.replaceAll('\n', '\r\n'),
    () => `:${hostileText(random)}\n\n`,
  ])();
}
