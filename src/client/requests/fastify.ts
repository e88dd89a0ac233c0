import { TenantRegistryError } from '../error.js';
import {
  type Admission,
  type AdmissionOptions,
  type CurrentTenant,
  type NodeRequest,
  valuesIn,
} from './admission.js';
import { answerToError, answerToRefusal } from './answer.js';

/** The parts of Fastify that are used. */
export interface FastifyRequest {
  readonly raw: NodeRequest;
}

interface FastifyReply {
  readonly raw: object;
  readonly statusCode: number;
  code(status: number): unknown;
  headers(headers: Readonly<Record<string, string>>): unknown;
  send(body: string): unknown;
}

type Done = (error?: Error | null) => void;

/** The hooks, as they are used. */
interface Hooks {
  addHook(
    name: 'onRequest' | 'preValidation',
    hook: (request: FastifyRequest, reply: FastifyReply, done: Done) => void,
  ): unknown;
  addHook(
    name: 'onError',
    hook: (request: FastifyRequest, reply: FastifyReply, error: Error, done: () => void) => void,
  ): unknown;
  addHook(
    name: 'onSend',
    hook: (
      request: FastifyRequest,
      reply: FastifyReply,
      payload: unknown,
      done: (error?: Error | null, payload?: unknown) => void,
    ) => void,
  ): unknown;
}

/** Any function, because the overloads of Fastify's own type differ between its versions. */
interface FastifyInstance {
  addHook: (...args: never[]) => unknown;
}

export type FastifyPlugin = (
  instance: FastifyInstance,
  options: unknown,
  done: (error?: Error) => void,
) => void;

/** A plugin for all routes of the instance on which it is registered. */
export function createFastifyPlugin<Request extends FastifyRequest>(
  admission: Admission,
  { claim }: AdmissionOptions<Request>,
): FastifyPlugin {
  const plugin: FastifyPlugin = (fastify, _options, ready) => {
    const instance = fastify as unknown as Hooks;
    const tenants = new WeakMap<FastifyRequest, CurrentTenant>();
    const errors = new WeakMap<FastifyRequest, unknown>();
    const admit = async (request: FastifyRequest) =>
      // The instance passes its hooks the request type from which the claim is read.
      admission.admit(valuesIn(request.raw), () => claim?.(request as Request));
    instance.addHook('onRequest', (request, reply, done) => {
      const letIn = (tenant: CurrentTenant) => {
        tenants.set(request, tenant);
        admission.run(tenant, () => done(), [request.raw, reply.raw]);
      };
      const refuse = (error: Error) => {
        const answer = answerToRefusal(error);
        if (!answer) return done(error);
        reply.code(answer.status);
        reply.headers(answer.headers);
        reply.send(answer.body);
      };
      admit(request).then(letIn, refuse);
    });
    // Reading the body in between switches to the async context of the socket, so the request's context is
    // entered again.
    instance.addHook('preValidation', (request, _reply, done) => {
      const tenant = tenants.get(request);
      if (tenant) admission.run(tenant, () => done(), []);
      else done();
    });
    instance.addHook('onError', (request, _reply, error, done) => {
      errors.set(request, error);
      done();
    });
    // Fastify answers with the message of an error. An answer of the service's own error handler is not changed.
    instance.addHook('onSend', (request, reply, payload, done) => {
      if (!errors.has(request) || typeof payload !== 'string') return done(null, payload);
      const error = errors.get(request);
      const { server } = request as { server?: { errorHandler?: { name: string } } };
      const isFastifys = server?.errorHandler?.name === defaultHandler ? hasMessage : isDefaultAnswer;
      if (!isFastifys(payload, error)) return done(null, payload);
      const isUsersFault = reply.statusCode < 500 && !(error instanceof TenantRegistryError);
      if (isUsersFault) return done(null, payload);
      const { status, headers, body } = answerToError(error);
      reply.code(status);
      reply.headers(headers);
      done(null, body);
    });
    ready();
  };
  // Skips Fastify's encapsulation, so that the hook applies to the routes beside the plugin.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

/** Name of Fastify's own error handler. */
const defaultHandler = 'defaultErrorHandler';

/** Whether the payload is what Fastify sends for the error when a route has no schema for it. */
function isDefaultAnswer(payload: string, error: unknown): boolean {
  const { statusCode, message } = readFields(payload);
  return typeof statusCode === 'number' && message === (error as Partial<Error> | undefined)?.message;
}

/** Whether the payload shows the message of the error; a schema decides in which fields. */
function hasMessage(payload: string, error: unknown): boolean {
  if (typeof error === 'string') return payload.includes(error);
  return Object.values(readFields(payload)).includes((error as Partial<Error> | undefined)?.message);
}

function readFields(payload: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(payload));
  } catch {
    return {};
  }
}
