/** A GraphQL request in plain JSON, as the specification for GraphQL over HTTP has it. */
export interface GraphqlParameters {
  query: string;
  operationName: string | undefined;
  variables: Record<string, unknown> | undefined;
}

const known = new Set(['query', 'variables', 'operationName', 'extensions']);

/** The body of a POST; undefined for what is no such request, which Yoga has the words for. */
export function readPostParameters(body: string): GraphqlParameters | undefined {
  try {
    return readParameters(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** The query string of a GET; undefined as above. */
export function readGetParameters(queryString: string): GraphqlParameters | undefined {
  const given = new URLSearchParams(queryString);
  // An empty parameter counts as one that was left out.
  const read = (name: string) => given.get(name) || undefined;
  const [variables, extensions] = [read('variables'), read('extensions')];
  try {
    return readParameters({
      query: read('query'),
      operationName: read('operationName'),
      variables: variables === undefined ? undefined : JSON.parse(variables),
      extensions: extensions === undefined ? undefined : JSON.parse(extensions),
    });
  } catch {
    return undefined;
  }
}

function readParameters(given: unknown): GraphqlParameters | undefined {
  if (!isObject(given)) return undefined;
  for (const name in given) if (!known.has(name) && given[name] != null) return undefined;
  const { query, variables, operationName, extensions } = given;
  const isPlain =
    typeof query === 'string' &&
    (variables == null || isObject(variables)) &&
    (extensions == null || isObject(extensions)) &&
    (operationName == null || typeof operationName === 'string');
  if (!isPlain) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? undefined };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
