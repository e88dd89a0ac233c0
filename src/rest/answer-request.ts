import { authorizeInSome } from '../auth/permissions.js';
import { readInput } from '../registry/input.js';
import { tenantNotFound } from '../registry/resolution/route.js';
import { isStorable } from '../registry/values/storable-text.js';
import { type RestAnswer, refuse } from './answer.js';
import { type Endpoint, type RestRequest, readJson, readQuery } from './endpoint.js';
import { openapi } from './openapi.js';
import { collections, documentPath, findPlace, type Place } from './paths.js';
import { IdempotencyHeader, IfMatchHeader } from './tenant.js';
import { partEndpoints } from './tenant-parts.js';
import { tenantEndpoints } from './tenants.js';

/** Answers a request below /api. Throws errors that answerError translates. */
export async function answerRequest(request: RestRequest): Promise<RestAnswer> {
  const { method, path, basePath } = request;
  if (path === documentPath)
    return method === 'GET'
      ? { status: 200, headers: {}, body: openapi(basePath) }
      : wrongMethod(request, ['GET']);
  const place = findPlace(path);
  if (!place)
    return refuse(
      404,
      `There is nothing at ${basePath}${path}; tenants are at ${basePath}${collections[0]}, and ${basePath}${documentPath} describes the API`,
    );
  const endpoints = endpointsAt(place);
  const endpoint = Object.hasOwn(endpoints, method) ? endpoints[method] : undefined;
  if (!endpoint) return wrongMethod(request, Object.keys(endpoints));
  // Browsers let any web page send forms and plain text to this server without a CORS preflight.
  if (endpoint.body && request.contentType !== 'application/json')
    return refuse(415, 'The content type must be application/json', { 'accept-post': 'application/json' });

  const context = await request.authenticate();
  // The rights of a member depend on the tenant, so the work checks members once more.
  authorizeInSome(context.caller, endpoint.action);
  if (method !== 'GET') request.admitChange(context.caller);
  return endpoint.run({
    context,
    collection: `${basePath}${place.collection}`,
    reference: place.reference === undefined ? '' : readReference(place.reference),
    query: readQuery(request, endpoint.query),
    idempotencyKey: endpoint.isRepeatable ? readKey(request) : undefined,
    expectedVersion: endpoint.isVersioned ? readVersion(request) : undefined,
    body: async () => endpoint.body && readJson(request, endpoint.body),
    signal: request.signal,
  });
}

function endpointsAt({ reference, part }: Place): Record<string, Endpoint> {
  if (part) return partEndpoints[part];
  return reference === undefined ? tenantEndpoints.collection : tenantEndpoints.member;
}

function wrongMethod({ method, path, basePath }: RestRequest, allowed: readonly string[]): RestAnswer {
  const allow = allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ');
  return refuse(405, `${basePath}${path} does not accept ${method}; it accepts ${allow}`, { allow });
}

function readReference(encoded: string): string {
  try {
    const reference = decodeURIComponent(encoded);
    if (reference.length <= 100 && isStorable(reference)) return reference;
  } catch {
    // A malformed escape names no tenant.
  }
  throw tenantNotFound(encoded.slice(0, 100));
}

function readKey({ idempotencyKey: given }: RestRequest): string | undefined {
  return readInput(IdempotencyHeader, { 'Idempotency-Key': given })['Idempotency-Key'];
}

/** Proxies that compress answers make ETags weak, and the version in one stays the same. */
function readVersion({ ifMatch: given }: RestRequest): number | undefined {
  const tag = readInput(IfMatchHeader, { 'If-Match': given })['If-Match'];
  const [digits] = /\d+/.exec(tag ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}
