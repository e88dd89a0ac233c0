import { identifier } from '../../database/identifier.js';
import { namedParts } from '../fence/foreign-code.js';
import { accessSql, ownerRole } from '../storage/module-role.js';
import type { StorageComparison } from './storage-comparison.js';

/**
 * Checks who can use and change the storage: the module's access role can read and write its data, and only the owner can create
 * code in it. Whoever else can, could run code with the rights of a migration.
 */
export function compareAccess({ storage, found, report }: StorageComparison): void {
  const { schemaName, databaseName, module } = storage;
  const { access, user, role } = found;
  const schema = `Schema ${schemaName} in database ${databaseName}`;
  const parts = found.foreignParts.get(schemaName) ?? [];
  if (parts.length > 0)
    report(
      'SCHEMA_OPEN_TO_OTHERS',
      `${schema} may hold code of other roles, so no migration runs in it: ${listSome(parts)}.`,
      `Revoke these rights and make ${role ?? user} the owner of the functions; services need to be members of ${module}_access only, not of ${ownerRole(module)}.`,
    );
  const missing = found.missingAccess.get(schemaName) ?? [];
  if (missing.length > 0 && access !== undefined)
    report(
      'ACCESS_GRANT_MISSING',
      `Role ${access} lacks rights in ${schema}: ${listSome(missing)}.`,
      `In database ${databaseName} ${accessSql(identifier(schemaName), identifier(access))}.`,
    );
}

function listSome(parts: readonly string[]): string {
  const more = parts.length > namedParts ? `, and ${parts.length - namedParts} more` : '';
  return parts.slice(0, namedParts).join(', ') + more;
}
