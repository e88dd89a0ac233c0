import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { TestGateway } from '../../setup/gateway.js';

/** A tenant as scripts get it. */
export interface ShownTenant {
  id: string;
  name: string;
  slug: string;
  status: string;
  created_at: string;
}

export interface RestAnswer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface Failure {
  error: { code: string; message: string; details?: { field: string; message: string }[] };
}

interface Asking {
  key?: string;
  headers?: Record<string, string>;
  /** Text goes out as it is, anything else as JSON. */
  body?: unknown;
}

/** Asks a gateway as a script does. Every answer is held against the description that the gateway gives of itself. */
export async function ask<Body = ShownTenant>(
  gateway: TestGateway,
  request: `${string} /${string}`,
  { key, headers, body }: Asking = {},
): Promise<RestAnswer<Body>> {
  const [method = '', path = ''] = request.split(/ (.*)/);
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const answer = {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Body,
  };
  const described = await describe(gateway);
  described.requireDescribed(method, path, answer);
  return answer;
}

/** How a request is refused. */
export async function refusal(
  gateway: TestGateway,
  request: `${string} /${string}`,
  asking: Asking = {},
): Promise<{ status: number; code: string; message: string }> {
  const { status, body } = await ask<Failure>(gateway, request, asking);
  return { status, code: body.error?.code, message: body.error?.message };
}

/** What of openapi.json the tests go by. */
interface Described {
  openapi: string;
  paths: Record<string, Record<string, DescribedOperation> & { parameters?: { name: string }[] }>;
  components: { schemas: Record<string, object>; responses: Record<string, DescribedResponse> };
}

interface DescribedOperation {
  operationId: string;
  responses: Record<string, DescribedResponse>;
  requestBody?: { content: Record<string, { schema: object }> };
  parameters: { name: string; in: string; schema: object }[];
}

interface DescribedResponse {
  description: string;
  headers?: Record<string, object>;
  content: Record<string, { schema: object }>;
}

export interface Description {
  document: Described;
  /** A schema anywhere in the document, by JSON pointer. */
  validator(pointer: string): ValidateFunction;
  requireDescribed(method: string, path: string, answer: RestAnswer<unknown>): void;
}

const known = new Map<string, Promise<Description>>();

export function describe(gateway: TestGateway): Promise<Description> {
  const description = known.get(gateway.url) ?? read(gateway);
  known.set(gateway.url, description);
  return description;
}

async function read(gateway: TestGateway): Promise<Description> {
  const response = await fetch(`${gateway.url}/api/openapi.json`);
  const document = (await response.json()) as Described;
  // Keywords of OpenAPI stand beside those of JSON Schema; formats are patterns here as well.
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, 'openapi');
  const validator = (pointer: string) => {
    const found = ajv.getSchema(`openapi#${pointer}`);
    if (!found) throw new Error(`openapi.json has no schema at ${pointer}`);
    return found;
  };

  function requireDescribed(method: string, path: string, { status, headers, body }: RestAnswer<unknown>) {
    const [bare = ''] = path.split('?');
    if (bare === '/api/openapi.json' && status === 200) return;
    const found = responseAt(document, method.toLowerCase(), bare, status);
    if (!found)
      throw new Error(`openapi.json knows no ${status} of ${method} ${path}: ${JSON.stringify(body)}`);
    const [pointer, described] = found;
    const validate = validator(`${pointer}/content/application~1json/schema`);
    if (!validate(body))
      throw new Error(`${method} ${path} ${status}: ${JSON.stringify([validate.errors, body])}`);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    if (status < 400) return;
    for (const name of Object.keys(described.headers ?? {}))
      expect(headers.get(name), `${name} of ${method} ${path} ${status}`).not.toBeNull();
  }
  return { document, validator, requireDescribed };
}

function responseAt(
  { paths, components }: Described,
  method: string,
  path: string,
  status: number,
): [string, DescribedResponse] | undefined {
  const template = path in paths ? path : path.replace(/\/[^/]+$/, '/{slug}');
  const responses = paths[template]?.[method]?.responses;
  const described = responses?.[status];
  const escaped = template.replaceAll('/', '~1').replace('{', '%7B').replace('}', '%7D');
  if (described) return [`/paths/${escaped}/${method}/responses/${status}`, described];
  const name = status === 404 && !responses ? 'NothingThere' : status === 405 ? 'WrongMethod' : undefined;
  const shared = name && components.responses[name];
  return shared ? [`/components/responses/${name}`, shared] : undefined;
}
