import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface RouteEvent {
  type: 'CHANGE' | 'RESYNC';
  revision: string;
  position: number;
  kind: string | null;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
}

/** A subscriber of routesChanged, over HTTP. */
export interface EventStream extends AsyncDisposable {
  status: number;
  contentType: string;
  /** Waits for the next event; undefined when the stream has ended. */
  next(): Promise<RouteEvent | undefined>;
  /** The next `count` events. */
  take(count: number): Promise<RouteEvent[]>;
  /** The message of a refusal. */
  codes: string[];
  /** How the stream ended: "complete" as the protocol demands, or "cut". */
  ended: Promise<'complete' | 'cut'>;
  /** Stops reading from the socket, as a slow client does. */
  pause(): void;
  resume(): void;
  /** Closes the connection without ending the subscription. */
  destroy(): void;
}

const query = `subscription ($since: Revision, $sincePosition: Int) {
  routesChanged(since: $since, sincePosition: $sincePosition) { type revision position kind tenantId tenantSlug module }
}`;

export async function openEvents(
  url: string,
  options: { since?: string | undefined; sincePosition?: number | undefined; key?: string } = {},
): Promise<EventStream> {
  const { key, ...variables } = options;
  const asked = request(`${url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(key && { authorization: `Bearer ${key}` }),
    },
  });
  asked.end(JSON.stringify({ query, variables }));
  asked.on('error', () => undefined);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const events: RouteEvent[] = [];
  const codes: string[] = [];
  let isComplete = false;
  let isOver = false;
  let wake: () => void = () => undefined;
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const frames = `${text}${chunk}`.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) read(frame);
    wake();
  });
  response.on('error', () => undefined);
  const ended = new Promise<'complete' | 'cut'>((resolve) => {
    response.on('close', () => {
      if (text) read(text);
      isOver = true;
      resolve(isComplete ? 'complete' : 'cut');
      wake();
    });
  });

  function read(frame: string): void {
    if (/^event: ?complete/m.test(frame)) isComplete = true;
    const data = /^data: ?(.*)$/m.exec(frame)?.[1] ?? (frame.startsWith('{') ? frame : undefined);
    if (!data) return;
    const { data: answer, errors } = JSON.parse(data);
    if (answer?.routesChanged) events.push(answer.routesChanged);
    for (const { extensions } of errors ?? []) codes.push(extensions.code);
  }

  async function next(): Promise<RouteEvent | undefined> {
    while (events.length === 0 && !isOver)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return events.shift();
  }

  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? '',
    next,
    async take(count) {
      const taken: RouteEvent[] = [];
      while (taken.length < count) {
        const event = await next();
        if (!event) throw new Error(`the stream ended after ${taken.length} of ${count} events`);
        taken.push(event);
      }
      return taken;
    },
    codes,
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    destroy: () => void asked.destroy(),
    [Symbol.asyncDispose]: async () => void asked.destroy(),
  };
}
