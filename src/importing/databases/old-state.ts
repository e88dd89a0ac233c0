/** A cheap look at everything that an import reads, to tell whether there is something new. */
import { createHash } from 'node:crypto';
import { RegistryError } from '../../errors.js';
import { type CommandContext, requireHeadRevision } from '../../registry/command.js';
import { stampPlainTable } from '../platform/plain-table.js';
import { readClientVersion, scanClients } from '../yaml/client-folder.js';
import { openSources, type SourceRequest } from './import-sources.js';
import { listOldTables, readUnderOneName, visitPlaces } from './table-places.js';

export interface OldState {
  /** Differs once a row, a table, a schema, a database or a file has changed. */
  stamp: string;
  /** The registry's revision. */
  revision: string;
  /** How many tables have the names that services know, and how many were renamed. */
  tables: { old: number; aside: number };
}

type Look = SourceRequest & { clients?: string | undefined };

export function readOldState(context: CommandContext, request: Look): Promise<OldState> {
  return readUnderOneName(() => look(context, request));
}

async function look(context: CommandContext, request: Look): Promise<OldState> {
  const hash = createHash('sha256');
  const tables = { old: 0, aside: 0 };
  const revision = await requireHeadRevision(context.database.pool);
  await using opened = await openSources(context, request);
  // A service may create the storage of a tenant after the tenant's row.
  for (const { key, schemas, databases } of opened.scanned)
    hash.update(JSON.stringify([key, schemas, databases]));
  await visitPlaces(context, opened.sources, async (client, place) => {
    for (const table of await listOldTables(client, place, opened.sources.map)) {
      tables[table.isAside ? 'aside' : 'old']++;
      const stamp = await stampPlainTable(client, table).catch((error: unknown) => {
        if (!(error instanceof RegistryError)) throw error;
        return error.message;
      });
      hash.update(JSON.stringify([place.database, table, stamp]));
    }
  });
  if (request.clients !== undefined) hash.update(JSON.stringify(await readVersions(request.clients)));
  return { stamp: hash.digest('hex'), revision, tables };
}

async function readVersions(folder: string): Promise<unknown> {
  const versions: unknown[] = [];
  for (const { id, problem } of await scanClients(folder))
    versions.push([
      ...[id, problem],
      // The import names what is wrong with a file.
      await readClientVersion(folder, id).catch((error: NodeJS.ErrnoException) => error.code),
    ]);
  return versions;
}
