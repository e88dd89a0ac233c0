/** Many subscribers of routesChanged in a process of their own, so that reading them does not delay the client that is measured. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** What the subscribers have heard; the answer to each message. */
export interface Heard {
  open: number;
  events: number;
  resyncs: number;
  /** Events that do not follow the one before. */
  orderErrors: number;
  /** The lowest revision that a subscriber has reached. */
  reached: number;
}

export interface SubscribersOptions {
  url: string;
  key: string;
  subscribers: number;
  /** "epoch:revision" after which each of them starts. */
  since: string;
}

const query =
  'subscription ($since: Revision) { routesChanged(since: $since) { type revision position kind tenantId tenantSlug module } }';
const eventPattern = /"type":"(CHANGE|RESYNC)","revision":"\w+:(\d+)","position":(\d+)/g;

const heard: Heard = { open: 0, events: 0, resyncs: 0, orderErrors: 0, reached: 0 };
const reached: number[] = [];

async function subscribe(at: number, { url, key, since }: SubscribersOptions): Promise<void> {
  const asked = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    },
  });
  asked.end(JSON.stringify({ query, variables: { since } }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`);
  heard.open++;
  reached[at] = Number(since.split(':')[1]);
  let rest = '';
  response.setEncoding('latin1');
  response.on('data', (chunk: string) => {
    const text = rest + chunk;
    const end = text.lastIndexOf('\n\n');
    rest = text.slice(end + 1);
    for (const [, type, revision, position] of text.slice(0, Math.max(0, end)).matchAll(eventPattern)) {
      heard.events++;
      // Each change is a transaction of its own.
      if (type === 'RESYNC') heard.resyncs++;
      else if (Number(revision) !== (reached[at] ?? 0) + 1 || position !== '0') heard.orderErrors++;
      reached[at] = Number(revision);
    }
  });
  response.on('close', () => heard.open--);
}

process.on('message', async (message: SubscribersOptions | 'tell') => {
  if (message !== 'tell') {
    // A few at a time: the gateway's backlog of connections is not what is measured.
    for (let at = 0; at < message.subscribers; at += 20)
      await Promise.all(
        Array.from({ length: Math.min(20, message.subscribers - at) }, (_, more) =>
          subscribe(at + more, message),
        ),
      );
  }
  heard.reached = Math.min(...reached);
  process.send?.(heard);
});
