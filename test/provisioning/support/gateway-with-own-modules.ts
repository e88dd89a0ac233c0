import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../../src/config.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createDatabase, type TestDatabase } from '../../setup/database.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';

/** A gateway with modules that the test registers, and whose migrations the test writes, breaks and corrects. */
export interface GatewayWithModules extends AsyncDisposable {
  gateway: TestGateway;
  /** The copy of modules/ that the gateway reads. */
  modulesDir: string;
  /** Settings for another gateway with the same modules. */
  config: Partial<Config>;
  /** URL of a module's database. */
  url(module: string): string;
  /** Runs SQL in a module's database. */
  psql<Row extends Record<string, unknown>>(module: string, sql: string): Promise<Row[]>;
  /** Writes a migration, such as `crm/0001_contacts.sql`. */
  write(file: string, sql: string): Promise<void>;
  remove(file: string): Promise<void>;
  close(): Promise<void>;
}

export interface OwnModule {
  name: string;
  /** File name → SQL. Without it the module has no folder. */
  migrations?: Record<string, string>;
  isolation?: 'SCHEMA' | 'DATABASE';
  schemaPrefix?: string;
  /** Another module whose database this one shares, through its own variable. */
  sharing?: string;
  /** URL of an existing database; by default a new one is created. */
  url?: string;
}

const shippedModules = new URL('../../../modules', import.meta.url).pathname;

export async function openGatewayWithModules(...modules: OwnModule[]): Promise<GatewayWithModules> {
  const modulesDir = await mkdtemp(join(tmpdir(), 'tenant-registry-modules-'));
  await cp(shippedModules, modulesDir, { recursive: true });
  const write = async (file: string, sql: string) => {
    await mkdir(join(modulesDir, file, '..'), { recursive: true });
    await writeFile(join(modulesDir, file), sql);
  };
  const databases: TestDatabase[] = [];
  const urls = new Map<string, string>();
  for (const { name, migrations, sharing, url } of modules) {
    urls.set(name, url ?? (sharing && urls.get(sharing)) ?? (await makeDatabase(databases)).url);
    if (migrations) await mkdir(join(modulesDir, name));
    for (const [file, sql] of Object.entries(migrations ?? {})) await write(`${name}/${file}`, sql);
  }
  const config = {
    modulesDir,
    serviceDatabaseUrls: Object.fromEntries(
      [...urls].map(([name, url]) => [`${name.toUpperCase()}_DB_URL`, url]),
    ),
  };
  const gateway = await openGateway({ config });
  for (const { name, isolation, schemaPrefix } of modules) {
    const { errors } = await gateway.ask(
      `mutation ($input: RegisterModuleInput!) { registerModule(input: $input) { revision } }`,
      { input: { name, isolation, schemaPrefix } },
    );
    if (errors[0]) throw new Error(`could not register module ${name}: ${errors[0].message}`);
  }

  const url = (module: string) => {
    const found = urls.get(module);
    if (!found) throw new Error(`no module ${module} in this testbed`);
    return found;
  };
  async function close() {
    await gateway.close();
    for (const database of databases) await database.drop();
    await rm(modulesDir, { recursive: true });
  }
  return {
    gateway,
    modulesDir,
    config,
    url,
    psql: (module, sql) => queryOnce(url(module), sql),
    write,
    remove: (file) => rm(join(modulesDir, file), { recursive: true }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function makeDatabase(databases: TestDatabase[]): Promise<TestDatabase> {
  const database = await createDatabase();
  databases.push(database);
  return database;
}

/** Two files; the second one needs the first. */
export const contacts = {
  '0001_contacts.sql': `
    CREATE TABLE contact (id int PRIMARY KEY, name text NOT NULL);
    CREATE INDEX contact_by_name ON contact (name);`,
  '0002_notes.sql': 'CREATE TABLE note (contact_id int REFERENCES contact (id), body text NOT NULL);',
};

/** Fails in the middle: after two statements that succeed. */
export const brokenMigration = `
  CREATE TABLE half (id int PRIMARY KEY);
  INSERT INTO half VALUES (1), (2);
  DO $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$;
  CREATE TABLE never (id int);`;

export const correctedMigration = 'CREATE TABLE whole (id int PRIMARY KEY);';
