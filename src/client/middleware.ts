import {
  type Admission,
  type AdmissionOptions,
  type CurrentTenant,
  type TenantRequest,
  toAnswer,
} from './admission.js';

/** The part of a node:http response that is used. */
interface TenantResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/** Middleware for Express and Connect; with node:http the caller passes the third argument. */
export type Middleware<Request> = (
  request: Request,
  response: TenantResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

export function createMiddleware<Request extends TenantRequest>(
  admission: Admission,
  { claim }: AdmissionOptions<Request>,
): Middleware<Request> {
  return async (request, response, next) => {
    let tenant: CurrentTenant;
    try {
      tenant = await admission.admit(request, await claim?.(request));
    } catch (error) {
      const answer = toAnswer(error);
      if (!answer) return next(error);
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
      return;
    }
    admission.run(tenant, next);
  };
}
