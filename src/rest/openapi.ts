import { z } from 'zod';
import { statusByCode } from '../errors.js';
import { codeByStatus, Failure, type RestCode } from './answer.js';
import type { Operation } from './endpoint.js';
import { collections } from './paths.js';
import { NewTenant, Repeatable, Tenant } from './tenant.js';
import { tenantOperations } from './tenants.js';

const errorSchema = { $ref: '#/components/schemas/Error' };

/** What each code means in this door. */
const meanings: Partial<Record<RestCode, string>> = {
  VALIDATION_ERROR: 'The request is no JSON, or the fields in `details` are wrong, unknown or missing.',
  UNAUTHENTICATED: 'No key, or one that is unknown, revoked or expired.',
  FORBIDDEN: 'The key lacks the scope.',
  NOT_FOUND: 'There is nothing at that path.',
  METHOD_NOT_ALLOWED: 'The path takes other methods: header `Allow`.',
  CONTENT_TOO_LARGE: 'The body is larger than a request may be.',
  UNSUPPORTED_MEDIA_TYPE: 'The body is not sent as application/json.',
  MISDIRECTED_REQUEST: 'A gateway without API keys serves its own machine only.',
  INTERNAL_SERVER_ERROR: 'Nobody expected that; the log has more under the request id.',
  REGISTRY_UNAVAILABLE:
    'The registry database is away, or the gateway is stopping: ask again after `Retry-After`.',
  TENANT_NOT_FOUND: 'No tenant has that slug or id.',
  TENANT_SUSPENDED: 'The tenant of an earlier request with this key has been suspended since.',
  TENANT_DELETED: 'The tenant is deleted already.',
  TENANT_NOT_READY: 'The provisioning failed and was undone; the message says why.',
  MODULE_NOT_FOUND: 'The catalogue has no such module.',
  CONFLICT: 'Another tenant has that slug.',
  IDEMPOTENCY_KEY_REUSED: 'The key came with another request before.',
  OPERATION_IN_PROGRESS: 'The tenant is being provisioned: wait for the end of that.',
};

/** What can happen to any request of an operation, and to any with a body. */
const always: readonly RestCode[] = [
  'VALIDATION_ERROR',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'MISDIRECTED_REQUEST',
  'INTERNAL_SERVER_ERROR',
  'REGISTRY_UNAVAILABLE',
];
const withBody: readonly RestCode[] = ['CONTENT_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

const headersByStatus: Partial<Record<number, Record<string, string>>> = {
  401: { 'WWW-Authenticate': 'Bearer' },
  405: { Allow: 'The methods that the path takes.' },
  415: { 'Accept-Post': 'application/json' },
  503: { 'Retry-After': 'After how many seconds to ask again.' },
};

let document: object | undefined;

/** The door's description by OpenAPI 3.1, made from the schemas that read requests and the table that answers them. */
export function openapi(): object {
  document ??= {
    openapi: '3.1.1',
    info: {
      title: 'Tenant registry',
      version: '1',
      description:
        'Tenants for operators’ scripts; everything else is GraphQL, at /graphql. Errors are `{error: {code, message, ' +
        'details?}}` everywhere below /api, for an unknown path and a method that it does not take, too.',
    },
    security: [{ key: [] }],
    paths: Object.fromEntries(collections.flatMap(describeCollection)),
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An API key with the scope of the operation. A gateway on its embedded database needs none.',
        },
      },
      schemas: {
        Tenant: toSchema(Tenant, 'output'),
        NewTenant: toSchema(NewTenant, 'input'),
        Error: toSchema(Failure, 'output'),
      },
      responses: describeRefusals(['NOT_FOUND', 'METHOD_NOT_ALLOWED'], ({ status }) =>
        status === 404 ? 'NothingThere' : 'WrongMethod',
      ),
    },
  };
  return document;
}

function describeCollection(path: string, alias: number): [string, object][] {
  const reference = {
    name: 'slug',
    in: 'path',
    required: true,
    description: 'Slug or UUID.',
    schema: { type: 'string' },
  };
  const { collection, member } = tenantOperations;
  return [
    [path, describeMethods(collection, alias)],
    [`${path}/{slug}`, { parameters: [reference], ...describeMethods(member, alias) }],
  ];
}

function describeMethods(operations: Record<string, Operation>, alias: number): object {
  const described = Object.entries(operations).map(([method, operation]) => [
    method.toLowerCase(),
    describe(operation, alias),
  ]);
  return Object.fromEntries(described);
}

function describe(operation: Operation, alias: number): object {
  const { id, summary, description, query, body, isRepeatable, answer, refusals } = operation;
  const codes = [...always, ...(body ? withBody : []), ...refusals];
  return {
    // An id names one operation at one path.
    operationId: alias === 0 ? id : `${id}ByAlias`,
    summary,
    description,
    parameters: [
      ...describeParameters(query, 'query'),
      ...(isRepeatable ? describeParameters(Repeatable, 'header') : []),
    ],
    ...(body && {
      requestBody: { required: true, content: json({ $ref: '#/components/schemas/NewTenant' }) },
    }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...describeHeaders(answer.headers),
        content: json(referTo(answer.schema)),
      },
      ...describeRefusals(codes, ({ status }) => String(status)),
    },
  };
}

/** One response for each status, which says what codes it can come with. */
function describeRefusals(
  codes: readonly RestCode[],
  nameOf: (refusal: { status: number }) => string,
): Record<string, object> {
  const statuses = [...new Set(codes.map(statusOf))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const own = codes.filter((code) => statusOf(code) === status);
      const narrowed = { properties: { error: { properties: { code: { enum: own } } } } };
      const response = {
        description: own.map((code) => `\`${code}\`: ${meanings[code]}`).join('\n\n'),
        ...describeHeaders(headersByStatus[status] ?? {}),
        content: json({ allOf: [errorSchema, narrowed] }),
      };
      return [nameOf({ status }), response];
    }),
  );
}

function statusOf(code: RestCode): number {
  const own = Object.entries(codeByStatus).find(([, name]) => name === code);
  return own ? Number(own[0]) : statusByCode[code as keyof typeof statusByCode];
}

function describeParameters(schema: z.ZodType, place: 'query' | 'header'): object[] {
  const { properties = {} } = toSchema(schema, 'input') as { properties?: Record<string, object> };
  return Object.entries(properties).map(([name, property]) => ({ name, in: place, schema: property }));
}

function describeHeaders(headers: Record<string, string>): object {
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return described.length > 0 ? { headers: Object.fromEntries(described) } : {};
}

function referTo(schema: z.ZodType): object {
  const tenant = { $ref: '#/components/schemas/Tenant' };
  return schema === Tenant ? tenant : { type: 'array', items: tenant };
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io });
  return described;
}

function json(schema: object) {
  return { 'application/json': { schema } };
}
