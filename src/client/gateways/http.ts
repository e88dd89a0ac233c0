import { Agent, type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as SecureAgent } from 'node:https';
import { isCode, TenantRegistryError } from '../error.js';
import { readTraceHeaders, type TraceHeaders } from './trace-headers.js';

/**
 * A gateway did not answer, or answered that it cannot serve now. Another gateway, or the same one later, may
 * succeed.
 */
export class GatewayFailure extends Error {
  override readonly name = 'GatewayFailure';
  /** Milliseconds before which the gateway should not be asked again. */
  readonly retryAfterMs: number | undefined;
  readonly code: 'REGISTRY_UNAVAILABLE' | 'RATE_LIMITED';

  constructor(
    message: string,
    options: { code?: 'RATE_LIMITED'; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.retryAfterMs = options.retryAfterMs;
    this.code = options.code ?? 'REGISTRY_UNAVAILABLE';
  }
}

interface PostOptions {
  timeoutMs: number;
}

/** HTTP requests to gateways over keep-alive connections. */
export interface Transport {
  /** Returns the response body. Throws GatewayFailure, or TenantRegistryError when the request was refused. */
  post(url: string, body: unknown, options: PostOptions): Promise<unknown>;
  /**
   * Passes on the data of each Server-Sent Event. Resolves when the stream has ended, rejects when none was opened.
   */
  stream(url: string, body: unknown, options: StreamOptions): Promise<void>;
  close(): void;
}

interface StreamOptions {
  onData: (data: string) => void;
  signal: AbortSignal;
  /** The stream is closed after this many milliseconds without data or keep-alive. */
  silenceMs: number;
}

/** A response to 500 keys has about 300 kB. */
const maxAnswerBytes = 16_000_000;

/** An event has a few hundred characters. */
const maxEventLength = 1_000_000;

type OpenRequest = (url: string, body: unknown, accept: string) => ClientRequest;

export function openTransport(options: {
  apiKey: string | undefined;
  client: string;
  traceHeaders: TraceHeaders | undefined;
}): Transport {
  const { apiKey, client, traceHeaders } = options;
  const agents = { 'http:': new Agent({ keepAlive: true }), 'https:': new SecureAgent({ keepAlive: true }) };
  const headers = {
    'content-type': 'application/json',
    'x-registry-client': client,
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
  const open: OpenRequest = (target, body, accept) => {
    const url = new URL(target);
    const isSecure = url.protocol === 'https:';
    const content = Buffer.from(JSON.stringify(body));
    const request = (isSecure ? requestHttps : requestHttp)(url, {
      method: 'POST',
      agent: isSecure ? agents['https:'] : agents['http:'],
      headers: { ...headers, ...readTraceHeaders(traceHeaders), accept, 'content-length': content.length },
    });
    request.end(content);
    return request;
  };
  return {
    async post(url, body, options) {
      const answer = await ask(open, url, body, options);
      const parsed = readJson(url, answer);
      if (answer.status !== 200) throw readRefusal(url, answer, parsed);
      return parsed;
    },
    stream: (url, body, options) => readEvents(url, open(url, body, 'text/event-stream'), options),
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function ask(open: OpenRequest, url: string, body: unknown, { timeoutMs }: PostOptions): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = open(url, body, 'application/json');
    const deadline = setTimeout(
      () => request.destroy(new GatewayFailure(`${url} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    request.on('close', () => clearTimeout(deadline));
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The gateway closed a keep-alive connection at the moment of its reuse, so it has not read the
      // request.
      if (request.reusedSocket && error.code === 'ECONNRESET')
        ask(open, url, body, { timeoutMs }).then(resolve, reject);
      else reject(asFailure(url, error));
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes)
          request.destroy(new GatewayFailure(`${url} sends a response of more than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', (error) => reject(asFailure(url, error)));
      response.on('aborted', () =>
        reject(new GatewayFailure(`${url} closed the connection in the middle of its response`)),
      );
      response.on('end', () => {
        const retryAfter = Number(response.headers['retry-after']);
        resolve({
          status: response.statusCode ?? 0,
          retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : undefined,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
  });
}

function readEvents(
  url: string,
  request: ClientRequest,
  { onData, signal, silenceMs }: StreamOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => request.destroy();
    signal.addEventListener('abort', leave);
    request.on('socket', (socket) => {
      // The stream must not keep the process alive.
      socket.unref();
      socket.setTimeout(silenceMs, leave);
    });
    request.on('close', () => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
    request.on('error', (error) => reject(asFailure(url, error)));
    request.on('response', (response) => {
      if (response.statusCode !== 200 || !response.headers['content-type']?.startsWith('text/event-stream')) {
        reject(
          new GatewayFailure(
            `${url} answered with status ${response.statusCode} and without an event stream`,
          ),
        );
        return void request.destroy();
      }
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const events = `${text}${chunk}`.split('\n\n');
        text = events.pop() ?? '';
        // An event without an end would fill the memory of the service.
        if (text.length > maxEventLength) return void request.destroy();
        for (const event of events) {
          const data = /^data: ?(.+)$/m.exec(event)?.[1];
          if (data !== undefined) onData(data);
        }
      });
      response.on('error', () => undefined);
    });
    if (signal.aborted) leave();
  });
}

interface RawAnswer {
  status: number;
  retryAfterMs: number | undefined;
  text: string;
}

function asFailure(url: string, error: Error): GatewayFailure {
  if (error instanceof GatewayFailure) return error;
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  const reasons = errors.map((one) => (one instanceof Error ? one.message : String(one)));
  return new GatewayFailure(`${url} cannot be reached: ${reasons.join(', ')}`, { cause: error });
}

function readJson(url: string, { status, text }: RawAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayFailure(
      `${url} answered with status ${status} and without JSON; is this the URL of a gateway?`,
    );
  }
}

/** Translates a response with another status than 200. */
function readRefusal(url: string, { status, retryAfterMs }: RawAnswer, body: unknown): Error {
  const [first] = errorsOf(body);
  if (status === 429)
    return new GatewayFailure(`${url} limits the rate of requests: ${first?.message ?? 'status 429'}`, {
      code: 'RATE_LIMITED',
      retryAfterMs,
    });
  const message = first?.message ?? `${url} answered with status ${status}`;
  // Another gateway would not accept the size either.
  if (status === 413) return new TenantRegistryError('QUERY_TOO_COMPLEX', message);
  if (status >= 500 || !isCode(first?.code)) return new GatewayFailure(message, { retryAfterMs });
  return new TenantRegistryError(first.code, message);
}

/** Reads `errors` of a GraphQL response or of another endpoint of the gateway. */
export function errorsOf(body: unknown): { message: string; code: unknown }[] {
  const { errors } = (body ?? {}) as {
    errors?: { message?: unknown; extensions?: { code?: unknown } }[];
  };
  if (!Array.isArray(errors)) return [];
  return errors.map(({ message, extensions }) => ({ message: String(message), code: extensions?.code }));
}
