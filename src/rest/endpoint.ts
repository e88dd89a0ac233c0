import type { z } from 'zod';
import type { Action } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { readInput } from '../registry/input.js';
import type { RestAnswer, RestCode } from './answer.js';

/** A request as far as the HTTP reader has understood it. */
export interface RestRequest {
  method: string;
  /** As it came, without what follows a question mark. */
  path: string;
  query: URLSearchParams;
  contentType: string | undefined;
  idempotencyKey: string | undefined;
  readBody(): Promise<string>;
  /** Who asks; throws UNAUTHENTICATED. */
  authenticate(): Promise<CommandContext>;
  /** Aborted when the client is gone. */
  signal: AbortSignal;
}

/** A request to an operation, by a caller who may ask it. */
interface RestCall<Query, Body> {
  context: CommandContext;
  /** The collection's path, under whichever of its names it was asked. */
  collection: string;
  /** The last part of the path: a slug or an id. */
  reference: string;
  query: Query;
  idempotencyKey: string | undefined;
  body(): Promise<Body>;
  signal: AbortSignal;
}

/** One thing that can be asked: what the router checks, what answers, and what openapi.json says of it. */
export interface Operation<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  id: string;
  summary: string;
  description: string;
  action: Action;
  query: Query;
  /** Whether it takes an Idempotency-Key. */
  isRepeatable: boolean;
  body?: Body;
  answer: { status: number; description: string; schema: z.ZodType; headers: Record<string, string> };
  /** How it can be refused, besides what can happen to every request. */
  refusals: readonly RestCode[];
  run(call: RestCall<z.output<Query>, z.output<Body>>): Promise<RestAnswer>;
}

/** Checks that what runs is made for what is read. */
export function operation<Query extends z.ZodType, Body extends z.ZodType>(
  parts: Operation<Query, Body>,
): Operation {
  // What is read by the schemas here is handed to `run` by the router and nobody else.
  return parts as unknown as Operation;
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

/** A parameter given twice is a list, and no schema takes that. */
export function readQuery(request: RestRequest, schema: z.ZodType): unknown {
  const names = [...new Set(request.query.keys())];
  const given = names.map((name) => {
    const [first, ...others] = request.query.getAll(name);
    return [name, others.length === 0 ? first : [first, ...others]];
  });
  return readInput(schema, Object.fromEntries(given));
}
