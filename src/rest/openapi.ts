import type { z } from 'zod';
import { statusByCode } from '../errors.js';
import { codeByStatus, type RestCode } from './answer.js';
import type { Endpoint } from './endpoint.js';
import { describeSchemas, referTo, toSchema } from './openapi-schemas.js';
import { collections, partPrefixes, parts } from './paths.js';
import { IdempotencyHeader, IfMatchHeader } from './tenant.js';
import { partEndpoints } from './tenant-parts.js';
import { tenantEndpoints } from './tenants.js';

const errorSchema = { $ref: '#/components/schemas/Error' };

/** Meaning of each code in the REST API. */
const meanings: Partial<Record<RestCode, string>> = {
  VALIDATION_ERROR: 'The body is not JSON, or the fields in `details` are invalid, unknown or missing.',
  UNAUTHENTICATED: 'The API key is missing, unknown, revoked or expired.',
  FORBIDDEN: 'The API key does not have the scope.',
  NOT_FOUND: 'The path does not exist, or the tenant does not have this part.',
  METHOD_NOT_ALLOWED: 'The path accepts other methods only, which are in the header `Allow`.',
  CONTENT_TOO_LARGE: 'The body is too large.',
  UNSUPPORTED_MEDIA_TYPE: 'The content type of the body is not application/json.',
  MISDIRECTED_REQUEST: 'A gateway without API keys serves requests from its own machine only.',
  RATE_LIMITED:
    'Too many requests with wrong credentials from this address, or too many changes by this caller. Retry after `Retry-After`.',
  INTERNAL_SERVER_ERROR: 'An unexpected error occurred; the log has the details under the request id.',
  REGISTRY_UNAVAILABLE:
    'The registry database is unavailable, or the gateway is stopping. Retry after `Retry-After`.',
  TENANT_MISMATCH: 'The subject of the token is not a member of this tenant.',
  VERSION_CONFLICT: 'The version in `If-Match` is not the current one. Read again, then repeat the change.',
  SECRET_IN_CONFIG:
    'Values of the configuration look like secrets, which are not stored; `details` has their paths.',
  TENANT_NOT_FOUND: 'No tenant has that slug, id or external id.',
  TENANT_SUSPENDED: 'The tenant of an earlier request with this idempotency key has been suspended.',
  TENANT_DELETED: 'The tenant has been deleted already.',
  TENANT_NOT_READY: 'The provisioning failed and was undone; the message contains the reason.',
  MODULE_NOT_FOUND: 'No module has that name.',
  CONFLICT: 'Another tenant has that slug.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used with a different request.',
  OPERATION_IN_PROGRESS: 'The tenant is being provisioned. Retry when that has ended.',
};

/** Refusals of every endpoint. */
const always: readonly RestCode[] = [
  'VALIDATION_ERROR',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'MISDIRECTED_REQUEST',
  'RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
  'REGISTRY_UNAVAILABLE',
];

/** Refusals of endpoints with a body. */
const withBody: readonly RestCode[] = ['CONTENT_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

const headersByStatus: Partial<Record<number, Record<string, string>>> = {
  401: { 'WWW-Authenticate': 'Authentication scheme: Bearer.' },
  405: { Allow: 'Methods that the path accepts.' },
  415: { 'Accept-Post': 'Accepted content type: application/json.' },
  429: {
    'Retry-After': 'Number of seconds to wait before a retry.',
    'RateLimit-Policy': 'The limit: its name, its quota q and its window w in seconds.',
    RateLimit: 'The name of the limit, what remains r, and the seconds t until the window ends.',
  },
  503: { 'Retry-After': 'Number of seconds to wait before a retry.' },
};

let document: object | undefined;

/**
 * The OpenAPI 3.1 document, generated from the schemas and endpoints that the router uses. Its paths are below the path prefix
 * of the gateway.
 */
export function openapi(basePath: string): object {
  document ??= {
    openapi: '3.1.1',
    info: {
      title: 'Tenant registry',
      version: '1',
      description:
        'Tenants for scripts of operators. Everything else is in the GraphQL API at /graphql. Every error below /api, also ' +
        'for an unknown path or method, has the body `{error: {code, message, details?}}`.',
    },
    security: [{ key: [] }],
    paths: Object.fromEntries([
      ...collections.flatMap(describeCollection),
      ...partPrefixes.flatMap(describeParts),
    ]),
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An API key with the scope of the operation. A gateway with an embedded database needs none.',
        },
      },
      schemas: describeSchemas(),
      responses: describeRefusals(['NOT_FOUND', 'METHOD_NOT_ALLOWED'], ({ status }) =>
        status === 404 ? 'UnknownPath' : 'WrongMethod',
      ),
    },
  };
  return { ...document, servers: [{ url: basePath || '/' }] };
}

const reference = {
  name: 'slug',
  in: 'path',
  required: true,
  description: 'Slug, UUID or external id of the tenant.',
  schema: { type: 'string' },
};

/** Ends of operation ids, which must be unique: the second path of an endpoint and the third repeat it. */
const suffixes: Record<string, string> = { '/api/v1/admin/tenants': 'ByAlias' };
const partSuffixes: Record<string, string> = { ...suffixes, '/api/tenants': 'BelowTenants' };

function describeCollection(path: string): [string, object][] {
  const { collection, member } = tenantEndpoints;
  const suffix = suffixes[path] ?? '';
  return [
    [path, describeMethods(collection, suffix)],
    [`${path}/{slug}`, { parameters: [reference], ...describeMethods(member, suffix) }],
  ];
}

function describeParts(prefix: string): [string, object][] {
  return parts.map((part) => [
    `${prefix}/{slug}/${part}`,
    { parameters: [reference], ...describeMethods(partEndpoints[part], partSuffixes[prefix] ?? '') },
  ]);
}

function describeMethods(endpoints: Record<string, Endpoint>, suffix: string): object {
  const described = Object.entries(endpoints).map(([method, endpoint]) => [
    method.toLowerCase(),
    describe(endpoint, suffix),
  ]);
  return Object.fromEntries(described);
}

function describe(endpoint: Endpoint, suffix: string): object {
  const { id, summary, description, query, body, isRepeatable, isVersioned, answer, refusals } = endpoint;
  const codes = [...always, ...(body ? withBody : []), ...refusals];
  return {
    operationId: `${id}${suffix}`,
    summary,
    description,
    parameters: [
      ...describeParameters(query, 'query'),
      ...(isRepeatable ? describeParameters(IdempotencyHeader, 'header') : []),
      ...(isVersioned ? describeParameters(IfMatchHeader, 'header') : []),
    ],
    ...(body && {
      requestBody: { required: true, content: json(referTo(body)) },
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

/** One response per status, with the codes that it can have. */
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

function json(schema: object) {
  return { 'application/json': { schema } };
}
