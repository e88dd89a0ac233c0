import { identifier } from '../../database/identifier.js';
import { storageNaming } from '../../registry/isolation.js';
import type { StorageComparison } from './storage-comparison.js';

/**
 * Everything belongs to the module's role where there is one; else to a role as which this session may act, or the
 * registry could neither migrate nor remove it.
 */
export function compareOwners({ storage, found, server, report }: StorageComparison): void {
  const { schemaName, databaseName, isolation } = storage;
  const { role, user } = found;
  const owner = identifier(role ?? user);
  const schema = identifier(schemaName);
  const fault = (name: string) =>
    role === undefined ? `role ${name}, as which ${user} may not act` : `role ${name}, not to ${role}`;
  const isWrong = (one: { owner: string; isOurs: boolean }) =>
    role === undefined ? !one.isOurs : one.owner !== role;

  const place = found.schemas.get(schemaName);
  const database = storageNaming[isolation].hasOwnDatabase ? server.databases.get(databaseName) : undefined;
  if (database && isWrong(database))
    report(
      'DATABASE_OWNER_WRONG',
      `Database ${databaseName} belongs to ${fault(database.owner)}.`,
      `ALTER DATABASE ${identifier(databaseName)} OWNER TO ${owner}.`,
    );
  // public belongs to whoever owns the database.
  if (place && isWrong(place) && place.owner !== database?.owner)
    report(
      'SCHEMA_OWNER_WRONG',
      `Schema ${schemaName} in database ${databaseName} belongs to ${fault(place.owner)}.`,
      `In database ${databaseName} ALTER SCHEMA ${schema} OWNER TO ${owner}.`,
    );
  const strangers = found.strangers.get(schemaName);
  if (strangers)
    report(
      'TABLE_OWNER_WRONG',
      `In schema ${schemaName} of database ${databaseName}, ${strangers.count} tables or routines belong to somebody else: ${strangers.example} to ${fault(strangers.owner)}.`,
      `In database ${databaseName} ALTER ${strangers.example} OWNER TO ${owner}, and the others alike.`,
    );
  if (place?.isOpen)
    report(
      'SCHEMA_OPEN_TO_PUBLIC',
      `Everybody may make tables and functions in schema ${schemaName} of database ${databaseName}.`,
      `In database ${databaseName} REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC.`,
    );
}
