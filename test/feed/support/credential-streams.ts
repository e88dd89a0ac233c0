import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A subscription over HTTP whose end a test waits for. */
export interface CredentialStream extends AsyncDisposable {
  status: number;
  /** The codes of its errors and the way it ended; rejects when it is still open after the time. */
  end(withinMs: number): Promise<{ codes: string[]; ending: 'complete' | 'cut'; afterMs: number }>;
  isOpen(): boolean;
  /** Text of all events so far. */
  text(): string;
  pause(): void;
}

const queries = {
  routesChanged: (since: string) =>
    `subscription { routesChanged${since} { type revision kind tenantId tenantSlug module } }`,
  operationProgress: (id: string) =>
    `subscription { operationProgress(id: "${id}") { isEnd operation { status } } }`,
};

export function routesChanged(url: string, key: string, since?: string): Promise<CredentialStream> {
  return openStream(url, key, queries.routesChanged(since === undefined ? '' : `(since: "${since}")`));
}

export function operationProgress(url: string, key: string, id: string): Promise<CredentialStream> {
  return openStream(url, key, queries.operationProgress(id));
}

async function openStream(url: string, key: string, query: string): Promise<CredentialStream> {
  const asked = request(`${url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
    },
  });
  asked.on('error', () => undefined);
  asked.end(JSON.stringify({ query }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  let isOpen = true;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    response.on('close', () => {
      isOpen = false;
      resolve();
    });
  });
  return {
    status: response.statusCode ?? 0,
    async end(withinMs) {
      const startedAt = performance.now();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`the stream is still open after ${withinMs} ms`)),
          withinMs,
        );
      });
      await Promise.race([closed, late]).finally(() => clearTimeout(timer));
      const codes = [...text.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code as string);
      const ending = /^event: ?complete/m.test(text) ? 'complete' : 'cut';
      return { codes, ending, afterMs: performance.now() - startedAt };
    },
    isOpen: () => isOpen,
    text: () => text,
    pause: () => void response.pause(),
    [Symbol.asyncDispose]: async () => void asked.destroy(),
  };
}
