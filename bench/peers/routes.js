/** Routes of the registry, read once at the start: the cache of every contestant that has one is a Map. */
import pg from 'pg';

/**
 * @typedef {object} Route
 * @property {string} tenantId
 * @property {string} schemaName
 * @property {string} searchPath
 * @property {string} databaseName
 */

const columns = `
  tenant.id AS "tenantId",
  subscription.schema_name AS "schemaName",
  '"' || subscription.schema_name || '"' AS "searchPath",
  subscription.database_name AS "databaseName"`;
const tables = `
  tenants AS tenant JOIN module_subscriptions AS subscription ON subscription.tenant_id = tenant.id
  WHERE subscription.module = 'finance' AND subscription.status = 'active' AND tenant.status = 'active'`;

/** The statement that a service would send without a registry: one tenant, one module. */
export const routeSql = `SELECT ${columns} FROM ${tables} AND tenant.id = $1`;

export const databaseUrl = process.env.DATABASE_URL ?? '';

/** @returns {Promise<Map<string, Route>>} by tenant id */
export async function loadRoutes() {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(`SELECT ${columns} FROM ${tables}`);
  await client.end();
  return new Map(rows.map((route) => [route.tenantId, route]));
}
