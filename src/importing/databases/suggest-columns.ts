import { authorize } from '../../auth/permissions.js';
import { originalName } from '../../database/migrations/legacy-tables.js';
import type { CommandContext } from '../../registry/command.js';
import { listModules } from '../../registry/modules/module-record.js';
import { openForeignDatabase } from '../platform/foreign-database.js';
import { guessTable, type UnknownTable, writeColumnMap } from '../platform/guess-columns.js';
import { listTables } from '../platform/platform-tables.js';
import { shapes } from '../platform/table-shape.js';
import { scanDatabases } from './database-scan.js';

export interface SuggestRequest {
  /** URL of another database; undefined: the databases of the modules. */
  from: string | undefined;
  /** Names of the modules; an empty list means all. */
  modules: readonly string[];
}

/** Tables with these names are read without a map. */
const knownNames = new Set(Object.values(shapes).flatMap(({ tables }) => tables));

/** Returns the text of a map of columns for tables of other shapes. Only the catalogs are read. */
export async function suggestColumns(context: CommandContext, request: SuggestRequest): Promise<string> {
  authorize(context.caller, 'registerTenant');
  const tables =
    request.from === undefined ? await readModules(context, request) : await readForeign(request.from);
  const unknown = tables.filter(({ name }) => !knownNames.has(originalName(name)));
  return writeColumnMap(unknown.flatMap((table) => guessTable(table) ?? []));
}

async function readForeign(url: string): Promise<UnknownTable[]> {
  const database = await openForeignDatabase(url);
  try {
    return await database.withConnection(async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname`,
      );
      return listTables(
        client,
        rows.map(({ name }) => name),
      );
    });
  } finally {
    await database.close();
  }
}

async function readModules(context: CommandContext, { modules }: SuggestRequest): Promise<UnknownTable[]> {
  const { serviceDatabases } = context;
  const catalogue = (await listModules(context.database)).filter(
    ({ name, databaseRef }) =>
      (modules.length === 0 || modules.includes(name)) &&
      serviceDatabases.findProblem(databaseRef) === undefined,
  );
  const scanned = await scanDatabases(serviceDatabases.readers, catalogue, () => true);
  const tables: UnknownTable[] = [];
  for (const {
    modules: [module],
    schemas,
  } of scanned) {
    if (!module) continue;
    // The schemas of tenants hold their data, not the platform's.
    const others = schemas.filter((schema) =>
      catalogue.every(({ schemaPrefix }) => !schema.startsWith(schemaPrefix)),
    );
    tables.push(
      ...(await serviceDatabases.readers.withConnection(module, (client) =>
        listTables(client, ['public', ...others]),
      )),
    );
  }
  return tables;
}
