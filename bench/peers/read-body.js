/**
 * The body of a POST, by events: the cheapest way that node:http has.
 * @param {import('node:http').IncomingMessage} request
 * @param {(body: any) => void} use
 */
export function readBody(request, use) {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    text += chunk;
  });
  request.on('end', () => use(JSON.parse(text)));
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string} text
 */
export function sendJson(response, text) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Servers without GraphQL do not parse the query. They take the tenant from the variables, or else from the first UUID
 * of the query text.
 * @param {{ query: string, variables?: { id?: string } }} body
 * @returns {string}
 */
export function tenantOf({ query, variables }) {
  return variables?.id ?? /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(query)?.[0] ?? '';
}
