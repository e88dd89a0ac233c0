import { invalidField } from '../../errors.js';

/** A GraphQL request in plain JSON, as the specification for GraphQL over HTTP has it. */
export interface GraphqlParameters {
  query: string;
  operationName: string | undefined;
  variables: Record<string, unknown> | undefined;
}

/** As a request has them: its document may be named by an id instead of its text. */
export interface GivenParameters {
  query: string | undefined;
  /** SHA-256 of the text in hexadecimal. */
  documentId: string | undefined;
  /** Whether the id came as Apollo's clients send it, which have a text for a gateway that does not know it. */
  isPersistedQuery: boolean;
  operationName: string | undefined;
  variables: Record<string, unknown> | undefined;
}

/** The body of a POST; undefined for what is no such request, which Yoga has the words for. */
export function readPostParameters(body: string): GivenParameters | undefined {
  try {
    return readParameters(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** The query string of a GET or HEAD; undefined as above. Throws VALIDATION_ERROR for a parameter that is not JSON. */
export function readGetParameters(queryString: string): GivenParameters | undefined {
  const given = new URLSearchParams(queryString);
  // An empty parameter counts as one that was left out.
  const read = (name: string) => given.get(name) || undefined;
  const readJson = (name: string): unknown => {
    const text = read(name);
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      throw invalidField(name, 'must be JSON such as {"id": "acme"}');
    }
  };
  return readParameters({
    query: read('query'),
    documentId: read('documentId'),
    operationName: read('operationName'),
    variables: readJson('variables'),
    extensions: readJson('extensions'),
  });
}

/** Other members are ignored, because clients send some of their own. Empty texts count as left out, as in a query string. */
function readParameters(given: unknown): GivenParameters | undefined {
  if (!isObject(given)) return undefined;
  const { query, documentId, variables, operationName, extensions } = given;
  const isPlain =
    (query == null || typeof query === 'string') &&
    (documentId == null || typeof documentId === 'string') &&
    (variables == null || isObject(variables)) &&
    (extensions == null || isObject(extensions)) &&
    (operationName == null || typeof operationName === 'string');
  if (!isPlain) return undefined;
  const persisted = documentId ? undefined : readPersistedQuery(extensions ?? undefined);
  const id = documentId || persisted;
  if (!query && !id) return undefined;
  return {
    query: query || undefined,
    documentId: id,
    isPersistedQuery: persisted !== undefined,
    operationName: operationName || undefined,
    variables: variables ?? undefined,
  };
}

/** The id as Apollo's clients send it: {"persistedQuery": {"version": 1, "sha256Hash": "…"}}. */
function readPersistedQuery(extensions: Record<string, unknown> | undefined): string | undefined {
  const persisted = extensions?.persistedQuery;
  return isObject(persisted) && typeof persisted.sha256Hash === 'string' ? persisted.sha256Hash : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
