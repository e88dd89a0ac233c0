import {
  type Admission,
  type AdmissionOptions,
  type CurrentTenant,
  type TenantRequest,
  toAnswer,
} from './admission.js';

/** The parts of Fastify that are used. */
export interface FastifyRequest {
  readonly raw: TenantRequest;
}

interface FastifyReply {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(body: string): unknown;
}

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

interface FastifyInstance {
  addHook(name: 'onRequest' | 'preValidation', hook: Hook): unknown;
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
  const plugin: FastifyPlugin = (instance, _options, ready) => {
    const tenants = new WeakMap<FastifyRequest, CurrentTenant>();
    const admit = async (request: FastifyRequest) =>
      // The instance passes its hooks the request type from which the claim is read.
      admission.admit(request.raw, await claim?.(request as Request));
    instance.addHook('onRequest', (request, reply, done) => {
      const letIn = (tenant: CurrentTenant) => {
        tenants.set(request, tenant);
        admission.run(tenant, () => done());
      };
      const refuse = (error: Error) => {
        const answer = toAnswer(error);
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
      if (tenant) admission.run(tenant, () => done());
      else done();
    });
    ready();
  };
  // Skips Fastify's encapsulation, so that the hook applies to the routes beside the plugin.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}
