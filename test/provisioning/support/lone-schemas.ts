import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { checksumOf } from '../../../src/database/script-checksum.js';
import { installGuard } from '../../../src/provisioning/fence/guard.js';
import { runLoneMigration } from '../../../src/provisioning/storage/lone-migration.js';
import type { ModuleMigration } from '../../../src/provisioning/storage/module-migrations.js';
import { createDatabase } from '../../setup/database.js';

/** A database with tenants' schemas of one table each, in which files that run alone are tried. */
export interface LoneSchemas extends AsyncDisposable {
  /** A new schema with a table t (a, b) of some rows. */
  makeSchema(): Promise<string>;
  connect(): Promise<pg.Client>;
  ask<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Runs the file on a connection, by default on one of its own. */
  run(schema: string, sql: string, options?: Partial<RunSettings>): Promise<void>;
  /** The indexes of a schema, with their validity. */
  indexes(schema: string): Promise<Record<string, boolean>>;
  applied(schema: string): Promise<string[]>;
  states(schema: string): Promise<string[]>;
}

interface RunSettings {
  client: pg.Client;
  name: string;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

const loneFile = (sql: string, name = 'crm/0002_lone.sql'): ModuleMigration => ({
  name,
  sql: `-- transaction: none\n${sql}`,
  checksum: checksumOf(sql),
  runsAlone: true,
});

export async function openLoneSchemas(rowCount = 100): Promise<LoneSchemas> {
  const database = await createDatabase();
  const clients: pg.Client[] = [];
  const connect = async () => {
    const client = new pg.Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('SET search_path = pg_catalog, pg_temp');
    clients.push(client);
    return client;
  };
  const main = await connect();
  await installGuard(main);
  let count = 0;
  const ask: LoneSchemas['ask'] = async (sql, values) => (await main.query(sql, values)).rows;
  const names = async (sql: string, schema: string) =>
    (await ask<{ name: string }>(sql, [schema])).map(({ name }) => name);
  return {
    connect,
    ask,
    makeSchema: async () => {
      const schema = `lone_${count++}`;
      await main.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (a int, b int);
        INSERT INTO ${schema}.t SELECT n, n % 7 FROM generate_series(1, ${rowCount}) AS n`);
      return schema;
    },
    run: async (schema, sql, { client, name, lockTimeoutMs = 2_000, statementTimeoutMs = 60_000 } = {}) => {
      const own = client ?? (await connect());
      const owner = { tenantId: randomUUID(), module: 'crm' };
      const options = { role: undefined, lockTimeoutMs, statementTimeoutMs };
      try {
        await runLoneMigration(own, { schemaName: schema, owner }, loneFile(sql, name), options);
      } finally {
        if (!client) await own.end();
      }
    },
    indexes: async (schema) =>
      Object.fromEntries(
        (
          await ask<{ name: string; valid: boolean }>(
            `SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE relnamespace = $1::regnamespace ORDER BY 1`,
            [schema],
          )
        ).map(({ name, valid }) => [name, valid]),
      ),
    applied: (schema) =>
      names(
        'SELECT migration AS name FROM tenant_guard.schema_version WHERE schema_name = $1 ORDER BY 1',
        schema,
      ),
    states: (schema) =>
      names('SELECT object AS name FROM tenant_guard.lone_migration WHERE schema_name = $1', schema),
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.end().catch(() => undefined);
      await database.drop();
    },
  };
}
