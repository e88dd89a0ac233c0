/**
 * A finance service: `npx tsx examples/finance/server.ts` beside `npm start`, then
 * `curl -H 'X-Tenant-ID: demo-harbour' localhost:4001/invoices`.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import { createTenantRegistry } from 'tenant-registry-client';
import { embeddedUrl } from '../embedded.js';

const { REGISTRY_URL = 'http://localhost:4000', REGISTRY_KEY, FINANCE_PORT = '4001' } = process.env;

const pool = new pg.Pool({ connectionString: process.env.FINANCE_DB_URL ?? embeddedUrl('finance') });
pool.on('error', (error) => process.stderr.write(`an idle connection was lost: ${error.message}\n`));
const registry = createTenantRegistry({
  url: REGISTRY_URL.split(','),
  apiKey: REGISTRY_KEY,
  module: 'finance',
});

const invoicesSql = `SELECT number, name AS customer, issued_on::text AS "issuedOn", sum(net_amount + tax_amount) AS total, invoice.currency
  FROM ar_invoice AS invoice JOIN ar_customer AS customer ON customer.id = customer_id JOIN ar_invoice_line ON invoice_id = invoice.id
  GROUP BY invoice.id, customer.id ORDER BY number`;
const draftSql = `WITH customer AS (INSERT INTO ar_customer (name, currency) VALUES ($1, 'ZAR') RETURNING id),
    invoice AS (INSERT INTO ar_invoice (customer_id, currency) SELECT id, 'ZAR' FROM customer RETURNING id)
  INSERT INTO ar_invoice_line (invoice_id, position, description, unit_price) SELECT id, 1, $2, $3 FROM invoice RETURNING invoice_id`;
const issueSql = 'SELECT ar_issue_invoice($1, current_date) AS number';

const headers = { 'content-type': 'application/json' };
const toJson = (status: number, body: unknown) => ({ status, headers, body: JSON.stringify(body) });

/** Contains no tenant logic: the middleware has set the request's tenant. */
async function answer(request: IncomingMessage) {
  const { tenantId } = registry.current();
  if (request.url !== '/invoices') return toJson(404, { error: 'there is only /invoices' });
  if (request.method === 'GET')
    return registry.withTenant(pool, tenantId, async (tx) => toJson(200, (await tx.query(invoicesSql)).rows));
  const { customer, description, price } = (await json(request)) as Record<string, string>;
  return registry.withTenant(pool, tenantId, async (tx) => {
    const { rows } = await tx.query(draftSql, [customer, description, price]);
    return toJson(201, (await tx.query(issueSql, [rows[0].invoice_id])).rows[0]);
  });
}

const admit = registry.middleware();
const server = createServer((request, response) => {
  admit(request, response, async () => {
    const shown = await answer(request).catch((error) => {
      process.stderr.write(`${error.stack}\n`); // The end user sees neither the message nor the stack.
      return registry.answerTo(error);
    });
    response.writeHead(shown.status, shown.headers).end(shown.body);
  });
});
server.listen(Number(FINANCE_PORT), '127.0.0.1', () =>
  process.stdout.write(`finance at http://localhost:${FINANCE_PORT}/invoices\n`),
);
process.once('SIGTERM', () => server.close(() => void Promise.all([registry.close(), pool.end()])));
