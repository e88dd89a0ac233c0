import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { TestGateway } from '../../setup/gateway.js';

/** A tenant in an answer. */
export interface TenantBody {
  id: string;
  name: string;
  slug: string;
  status: string;
  external_ids: string[];
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

interface RequestOptions {
  key?: string;
  headers?: Record<string, string>;
  /** Text is sent as it is, anything else as JSON. */
  body?: unknown;
}

/** Sends a request and checks the answer against the gateway's openapi.json. */
export async function ask<Body = TenantBody>(
  gateway: TestGateway,
  request: `${string} /${string}`,
  { key, headers, body }: RequestOptions = {},
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
  const description = await describeApi(gateway);
  description.requireDescribed(method, path, answer);
  return answer;
}

/** Sends a request and returns its refusal. */
export async function refusal(
  gateway: TestGateway,
  request: `${string} /${string}`,
  options: RequestOptions = {},
): Promise<{ status: number; code: string; message: string }> {
  const { status, body } = await ask<Failure>(gateway, request, options);
  return { status, code: body.error?.code, message: body.error?.message };
}

/** The parts of openapi.json that tests read. */
interface Document {
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
  document: Document;
  /** Compiles the schema at a JSON pointer. */
  validator(pointer: string): ValidateFunction;
  requireDescribed(method: string, path: string, answer: RestAnswer<unknown>): void;
}

const known = new Map<string, Promise<Description>>();

export function describeApi(gateway: TestGateway): Promise<Description> {
  const description = known.get(gateway.url) ?? readDescription(gateway);
  known.set(gateway.url, description);
  return description;
}

async function readDescription(gateway: TestGateway): Promise<Description> {
  const response = await fetch(`${gateway.url}/api/openapi.json`);
  const document = (await response.json()) as Document;
  // The document mixes keywords of OpenAPI and JSON Schema; every format has a pattern as well.
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
      throw new Error(
        `openapi.json does not describe status ${status} of ${method} ${path}: ${JSON.stringify(body)}`,
      );
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
  { paths, components }: Document,
  method: string,
  path: string,
  status: number,
): [string, DescribedResponse] | undefined {
  const template = path in paths ? path : path.replace(/\/[^/]+(\/settings|\/branding)?$/, '/{slug}$1');
  const responses = paths[template]?.[method]?.responses;
  const described = responses?.[status];
  const escaped = template.replaceAll('/', '~1').replace('{', '%7B').replace('}', '%7D');
  if (described) return [`/paths/${escaped}/${method}/responses/${status}`, described];
  const name = status === 404 && !responses ? 'UnknownPath' : status === 405 ? 'WrongMethod' : undefined;
  const shared = name && components.responses[name];
  return shared ? [`/components/responses/${name}`, shared] : undefined;
}
