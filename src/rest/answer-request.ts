import { authorize } from '../auth/permissions.js';
import { readInput } from '../registry/input.js';
import { tenantNotFound } from '../registry/route.js';
import { type RestAnswer, refuse } from './answer.js';
import { type Operation, type RestRequest, readJson, readQuery } from './endpoint.js';
import { openapi } from './openapi.js';
import { collections, documentPath, findPlace } from './paths.js';
import { Repeatable } from './tenant.js';
import { tenantOperations } from './tenants.js';

/** Answers what is below /api. Throws what the translation in answer.ts knows to say. */
export async function answerRequest(request: RestRequest): Promise<RestAnswer> {
  const { method, path } = request;
  if (path === documentPath)
    return method === 'GET' ? { status: 200, headers: {}, body: openapi() } : wrongMethod(request, ['GET']);
  const place = findPlace(path);
  if (!place)
    return refuse(
      404,
      `There is nothing at ${path}; tenants are at ${collections[0]}, and ${documentPath} says more`,
    );
  const operations: Record<string, Operation> =
    place.reference === undefined ? tenantOperations.collection : tenantOperations.member;
  const operation = Object.hasOwn(operations, method) ? operations[method] : undefined;
  if (!operation) return wrongMethod(request, Object.keys(operations));
  // A foreign web page can send forms and plain text in a visitor's name without asking.
  if (operation.body && request.contentType !== 'application/json')
    return refuse(415, 'Send the request as application/json', { 'accept-post': 'application/json' });

  const context = await request.authenticate();
  authorize(context.caller, operation.action);
  return operation.run({
    context,
    collection: place.collection,
    reference: place.reference === undefined ? '' : readReference(place.reference),
    query: readQuery(request, operation.query),
    idempotencyKey: operation.isRepeatable ? readKey(request) : undefined,
    body: async () => operation.body && readJson(request, operation.body),
    signal: request.signal,
  });
}

function wrongMethod({ method, path }: RestRequest, allowed: readonly string[]): RestAnswer {
  const allow = allowed.join(', ');
  return refuse(405, `${path} does not take ${method}: it takes ${allow}`, { allow });
}

function readReference(encoded: string): string {
  try {
    const reference = decodeURIComponent(encoded);
    if (reference.length <= 100) return reference;
  } catch {
    // Broken escapes name nobody either.
  }
  throw tenantNotFound(encoded.slice(0, 100));
}

function readKey({ idempotencyKey: given }: RestRequest): string | undefined {
  return readInput(Repeatable, { 'Idempotency-Key': given })['Idempotency-Key'];
}
