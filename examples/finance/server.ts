/**
 * A finance service: `npx tsx examples/finance/server.ts` beside `npm start`, then
 * `curl -H 'X-Tenant-ID: demo-harbour' localhost:4001/invoices`.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import { createTenantRegistry, TenantRegistryError } from 'tenant-registry-client';
import { embeddedUrl } from '../embedded.js';

const { REGISTRY_URL = 'http://localhost:4000', REGISTRY_KEY, FINANCE_PORT = '4001' } = process.env;

const pool = new pg.Pool({ connectionString: process.env.FINANCE_DB_URL ?? embeddedUrl('finance') });
pool.on('error', (error) => process.stderr.write(`an idle connection was lost: ${error.message}\n`));
const registry = createTenantRegistry({
  url: REGISTRY_URL.split(','),
  module: 'finance',
  ...(REGISTRY_KEY && { apiKey: REGISTRY_KEY }),
});

const invoicesSql = `SELECT number, name AS customer, issued_on::text AS "issuedOn", sum(net_amount + tax_amount) AS total, invoice.currency
  FROM ar_invoice AS invoice JOIN ar_customer AS customer ON customer.id = customer_id JOIN ar_invoice_line ON invoice_id = invoice.id
  GROUP BY invoice.id, customer.id ORDER BY number`;
const draftSql = `WITH customer AS (INSERT INTO ar_customer (name, currency) VALUES ($1, 'ZAR') RETURNING id),
    invoice AS (INSERT INTO ar_invoice (customer_id, currency) SELECT id, 'ZAR' FROM customer RETURNING id)
  INSERT INTO ar_invoice_line (invoice_id, position, description, unit_price) SELECT id, 1, $2, $3 FROM invoice RETURNING invoice_id`;
const issueSql = 'SELECT ar_issue_invoice($1, current_date) AS number';

/** Contains no tenant logic: the middleware has set the request's tenant. */
async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const tenantId = registry.current()?.tenantId ?? '';
  if (request.url !== '/invoices') return { status: 404, body: { error: 'there is only /invoices' } };
  if (request.method === 'GET')
    return registry.withTenant(pool, tenantId, async (tx) => ({
      status: 200,
      body: (await tx.query(invoicesSql)).rows,
    }));
  const { customer, description, price } = (await json(request)) as Record<string, string>;
  return registry.withTenant(pool, tenantId, async (tx) => {
    const { rows } = await tx.query(draftSql, [customer, description, price]);
    return { status: 201, body: (await tx.query(issueSql, [rows[0].invoice_id])).rows[0] };
  });
}

const admit = registry.middleware();
const server = createServer((request, response) => {
  admit(request, response, async () => {
    const { status, body } = await answer(request).catch((error: Error) => {
      const isRefusal = error instanceof TenantRegistryError;
      return { status: isRefusal ? error.status : 500, body: { error: { message: error.message } } };
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
});
server.listen(Number(FINANCE_PORT), '127.0.0.1', () =>
  process.stdout.write(`finance at http://localhost:${FINANCE_PORT}/invoices\n`),
);
process.once('SIGTERM', () => server.close(() => void Promise.all([registry.close(), pool.end()])));
