/** Everything that an import reads, opened once for a run. */
import { RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { listModules } from '../../registry/modules/module-record.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import type { ColumnMap } from '../platform/column-map.js';
import { openForeignDatabase } from '../platform/foreign-database.js';
import { type ScannedDatabase, type ScannedModule, scanDatabases } from './database-scan.js';
import type { TableSources } from './table-places.js';

/** Where an import looks. */
export interface SourceRequest {
  /** Names of the modules to import; an empty list means all modules of the catalogue. */
  modules: readonly string[];
  /** Whether the database of a module without a variable is in the embedded PostgreSQL. */
  hasEmbedded: boolean;
  /** URL of another database with the tables of a platform, which is only read. */
  from?: string | undefined;
  /** Tables of other shapes. */
  columns?: ColumnMap | undefined;
}

export interface ImportSources extends AsyncDisposable {
  /** All modules, each with the name of the database that is scanned for it. */
  catalogue: ScannedModule[];
  scanned: ScannedDatabase[];
  /** Modules that are not scanned, with the reason. */
  skipped: { module: string; why: string }[];
  isWanted(module: { name: string }): boolean;
  /** Whether the database of a module is configured. */
  isSet(module: ScannedModule): boolean;
  sources: TableSources;
}

export async function openSources(context: CommandContext, request: SourceRequest): Promise<ImportSources> {
  const catalogue = await readCatalogue(context, request);
  const isWanted = ({ name }: { name: string }) => isRequested(request, name);
  const isSet = ({ databaseRef }: { databaseRef: string }) =>
    request.hasEmbedded || context.serviceDatabases.configuredName(databaseRef) !== undefined;
  const skipped = catalogue
    .filter((module) => isWanted(module) && !isSet(module))
    .map(({ name, databaseRef }) => ({ module: name, why: `${databaseRef} is not set` }));
  const scanned = await scanDatabases(context.serviceDatabases.readers, catalogue.filter(isSet), isWanted);
  const from = request.from === undefined ? undefined : await openForeignDatabase(request.from);
  return {
    ...{ catalogue, scanned, skipped, isWanted, isSet },
    sources: { scanned, from, map: request.columns ?? [] },
    async [Symbol.asyncDispose]() {
      await from?.close();
    },
  };
}

function isRequested({ modules }: Pick<SourceRequest, 'modules'>, name: string): boolean {
  return modules.length === 0 || modules.includes(name);
}

/** Reads the modules, each with the name of the database that will be scanned for it. */
async function readCatalogue(
  context: CommandContext,
  request: Pick<SourceRequest, 'modules'>,
): Promise<ScannedModule[]> {
  const modules = await listModules(context.database);
  for (const name of request.modules)
    if (!modules.some((module) => module.name === name)) throw moduleNotFound(name);
  return modules.map(({ subscriptions, ...module }) => {
    const { name, databaseRef, databaseName } = module;
    const configured = context.serviceDatabases.configuredName(databaseRef) ?? databaseName;
    if (
      configured !== databaseName &&
      Object.values(subscriptions).some((count) => count > 0) &&
      isRequested(request, name)
    )
      throw new RegistryError(
        'CONFLICT',
        `${databaseRef} names database ${configured}, but the tenants of ${name} are registered in ${databaseName}: correct the variable, or leave ${name} out with --module`,
      );
    return { ...module, databaseName: configured };
  });
}
