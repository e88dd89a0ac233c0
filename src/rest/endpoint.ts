import type { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import type { Action } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { readInput } from '../registry/input.js';
import type { RestAnswer, RestCode } from './answer.js';

/** A request as the HTTP server hands it to the REST API. */
export interface RestRequest {
  method: string;
  /** Path of the URL without the query, still percent-encoded. */
  path: string;
  /** Path prefix of all addresses in answers, such as /registry; may be empty. */
  basePath: string;
  query: URLSearchParams;
  contentType: string | undefined;
  idempotencyKey: string | undefined;
  ifMatch: string | undefined;
  readBody(): Promise<string>;
  /** Authenticates the caller; throws UNAUTHENTICATED. */
  authenticate(): Promise<CommandContext>;
  /** Counts a change by the caller; throws RATE_LIMITED. */
  admitChange(caller: Caller): void;
  /** Aborted when the client disconnects. */
  signal: AbortSignal;
}

/** A request to an endpoint by an authorized caller. */
interface EndpointCall<Query, Body> {
  context: CommandContext;
  /** Path of the collection as the client wrote it, with the prefix; there is an alias. */
  collection: string;
  /** The last part of the path: a slug or an id. */
  reference: string;
  query: Query;
  idempotencyKey: string | undefined;
  /** The version in the header If-Match. */
  expectedVersion: number | undefined;
  body(): Promise<Body>;
  signal: AbortSignal;
}

/** A method of a path: what the router checks, its code, and its description in openapi.json. */
export interface Endpoint<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  id: string;
  summary: string;
  description: string;
  action: Action;
  query: Query;
  /** Whether the endpoint accepts the header Idempotency-Key. */
  isRepeatable: boolean;
  /** Whether the endpoint accepts the header If-Match. */
  isVersioned?: boolean;
  body?: Body;
  answer: { status: number; description: string; schema: z.ZodType; headers: Record<string, string> };
  /** Codes of refusals in addition to those of every endpoint. */
  refusals: readonly RestCode[];
  run(call: EndpointCall<z.output<Query>, z.output<Body>>): Promise<RestAnswer>;
}

/** Checks that the types of `run` are those of the schemas for query and body. */
export function endpoint<Query extends z.ZodType, Body extends z.ZodType>(
  parts: Endpoint<Query, Body>,
): Endpoint {
  // The cast is safe: only the router calls `run`, with values that these schemas have read.
  return parts as unknown as Endpoint;
}

export async function readJson(request: RestRequest, schema: z.ZodType): Promise<unknown> {
  const text = await request.readBody();
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    const message = 'The body must be JSON such as {"name": "Acme Corp", "slug": "acme"}';
    throw new RegistryError('VALIDATION_ERROR', message, { cause: error });
  }
  return readInput(schema, given);
}

/** A repeated parameter becomes a list, which every schema refuses. */
export function readQuery(request: RestRequest, schema: z.ZodType): unknown {
  const names = [...new Set(request.query.keys())];
  const given = names.map((name) => {
    const [first, ...others] = request.query.getAll(name);
    return [name, others.length === 0 ? first : [first, ...others]];
  });
  return readInput(schema, Object.fromEntries(given));
}
