import { type Admission, type AdmissionOptions, type NodeRequest, valuesIn } from './admission.js';
import { type Answer, answerToRefusal } from './answer.js';

/** The part of a node:http response that is used. */
export interface NodeResponse {
  readonly headersSent: boolean;
  removeHeader(name: string): unknown;
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  end(body: string): unknown;
}

/** The part of Koa's context that is used. */
interface KoaContext {
  readonly req: NodeRequest;
  readonly res: object;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): unknown;
}

/** The part of Hono's context that is used. */
interface HonoContext {
  readonly req: { readonly raw: { readonly headers: { get(name: string): string | null } } };
  res: unknown;
}

/** The first argument that a framework passes to its middleware. */
export type MiddlewareRequest = NodeRequest | KoaContext | HonoContext;

/** Middleware for node:http, Connect, Express and NestJS by its first form, for Koa and Hono by the second. */
export interface Middleware<Request> {
  (request: Request, response: NodeResponse, next: (error?: unknown) => void): Promise<void>;
  (context: Request, next: () => Promise<unknown>): Promise<void>;
}

/** A request as Koa or Hono presents it. */
interface View {
  /** Values of the header. */
  values: readonly string[];
  /** Objects by which the tenant of the request is found later. */
  objects: readonly object[];
  answer(answer: Answer): void;
}

export function createMiddleware<Request extends MiddlewareRequest>(
  admission: Admission,
  options: AdmissionOptions<Request>,
): Middleware<Request> {
  const admit = (request: Request, values: readonly string[]) =>
    admission.admit(values, () => options.claim?.(request));

  async function byResponse(request: Request, response: NodeResponse, next: (error?: unknown) => void) {
    const tenant = await admit(request, valuesIn(request as NodeRequest)).catch((error) => {
      const answer = answerToRefusal(error);
      if (answer) writeAnswer(response, answer);
      else next(error);
    });
    if (tenant) admission.run(tenant, next, [request, response]);
  }

  async function byContext(context: Request, next: () => Promise<unknown>) {
    const view = isKoa(context) ? viewKoa(context) : viewHono(context as HonoContext);
    try {
      const tenant = await admit(context, view.values);
      await admission.run(tenant, next, view.objects);
    } catch (error) {
      const answer = answerToRefusal(error);
      if (!answer) throw error;
      view.answer(answer);
    }
  }

  // Koa and Hono pass two arguments.
  return ((request: Request, ...rest: [NodeResponse, () => void] | [() => Promise<unknown>]) => {
    if (rest.length > 1 && rest[1]) return byResponse(request, ...(rest as [NodeResponse, () => void]));
    if ('rawHeaders' in request)
      throw new TypeError('registry.middleware() needs next: call it as (request, response, next)');
    return byContext(request, rest[0] as () => Promise<unknown>);
  }) as Middleware<Request>;
}

/** They describe the body that the handler was about to send. With its length, the rest of the answer would begin the next response. */
const headersOfBody = [
  'Content-Length',
  'Transfer-Encoding',
  'Content-Encoding',
  'Content-Language',
  'Content-Range',
  'Content-Disposition',
  'ETag',
  'Last-Modified',
];

export function writeAnswer(response: NodeResponse, { status, headers, body }: Answer): void {
  for (const name of headersOfBody) response.removeHeader(name);
  response.writeHead(status, headers);
  response.end(body);
}

/** Koa keeps the request of Node.js in `req`, Hono its own. */
function isKoa(context: MiddlewareRequest): context is KoaContext {
  return 'req' in context && 'rawHeaders' in context.req;
}

function viewKoa(context: KoaContext): View {
  return {
    values: valuesIn(context.req),
    objects: [context.req, context.res],
    answer({ status, headers, body }) {
      context.status = status;
      context.set({ ...headers });
      context.body = body;
    },
  };
}

function viewHono(context: HonoContext): View {
  const value = context.req.raw.headers.get('x-tenant-id');
  return {
    // Several headers arrive as one, separated by commas.
    values: value === null ? [] : [value],
    objects: [context, context.req.raw],
    answer({ status, headers, body }) {
      context.res = new Response(body, { status, headers });
    },
  };
}
