import { identifier } from '../../database/identifier.js';
import { storageNaming } from '../../registry/modules/isolation.js';
import type { StorageComparison } from './storage-comparison.js';

/**
 * Checks the owners of database, schema and tables. The owner must be the module's role where there is one, and else a role
 * that this session may act as: without that the registry can neither migrate nor drop the storage.
 */
export function compareOwners({ storage, found, server, report }: StorageComparison): void {
  const { schemaName, databaseName, isolation } = storage;
  const { role, user } = found;
  const owner = identifier(role ?? user);
  const schema = identifier(schemaName);
  const fault = (name: string) =>
    role === undefined ? `role ${name}, which ${user} is not a member of` : `role ${name} instead of ${role}`;
  const isWrong = (one: { owner: string; isOurs: boolean }) =>
    role === undefined ? !one.isOurs : one.owner !== role;

  const ownSchema = found.schemas.get(schemaName);
  const database = storageNaming[isolation].hasOwnDatabase ? server.databases.get(databaseName) : undefined;
  if (database && isWrong(database))
    report(
      'DATABASE_OWNER_WRONG',
      `Database ${databaseName} belongs to ${fault(database.owner)}.`,
      `ALTER DATABASE ${identifier(databaseName)} OWNER TO ${owner}.`,
    );
  // The owner of schema public follows the owner of the database, which is reported above.
  if (ownSchema && isWrong(ownSchema) && ownSchema.owner !== database?.owner)
    report(
      'SCHEMA_OWNER_WRONG',
      `Schema ${schemaName} in database ${databaseName} belongs to ${fault(ownSchema.owner)}.`,
      `In database ${databaseName} ALTER SCHEMA ${schema} OWNER TO ${owner}.`,
    );
  const foreign = found.foreignObjects.get(schemaName);
  if (foreign)
    report(
      'TABLE_OWNER_WRONG',
      `In schema ${schemaName} of database ${databaseName}, ${foreign.count} tables, routines or types have a wrong owner: ${foreign.example} belongs to ${fault(foreign.owner)}.`,
      `In database ${databaseName} ALTER ${foreign.example} OWNER TO ${owner}, and do the same with the others.`,
    );
  if (ownSchema?.isOpen)
    report(
      'SCHEMA_OPEN_TO_PUBLIC',
      `PUBLIC may create tables and functions in schema ${schemaName} of database ${databaseName}.`,
      `In database ${databaseName} REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC.`,
    );
}
