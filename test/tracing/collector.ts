/** A receiver of OTLP over HTTP, in JSON, that keeps the spans it gets. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  kind: number;
  facts: Record<string, string | number>;
}

export interface Collector extends AsyncDisposable {
  url: string;
  spans: ReceivedSpan[];
  /** All that was received, as text. */
  text(): string;
}

interface Value {
  stringValue?: string;
  intValue?: number;
}

interface Body {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<ReceivedSpan, 'facts'> & { attributes: { key: string; value: Value }[] })[];
    }[];
  }[];
}

export async function openCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const texts: string[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    texts.push(text);
    for (const { scopeSpans } of (JSON.parse(text) as Body).resourceSpans)
      for (const { attributes, ...span } of scopeSpans.flatMap((scope) => scope.spans))
        spans.push({
          ...span,
          facts: Object.fromEntries(
            attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
          ),
        });
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    spans,
    text: () => texts.join('\n'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
