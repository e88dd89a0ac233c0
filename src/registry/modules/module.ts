import { z } from 'zod';
import type { Module } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import type { ServiceDatabases } from '../../database/service-databases.js';
import { type RowForm, readRow } from '../../database/statements/row.js';
import { invalidField, RegistryError } from '../../errors.js';
import { prose } from '../input.js';
import { moduleNotFound } from '../resolution/route.js';
import { isolations } from './isolation.js';

/** A row of `SELECT * FROM modules`. */
export const moduleRow: RowForm = {
  enums: new Set(['isolation']),
  times: ['createdAt', 'updatedAt', 'retiredAt'],
};

/** The fields of a catalogue entry, for registerModule and updateModule. */
export const moduleFields = {
  description: prose(500),
  databaseRef: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,62}$/, 'must name an environment variable such as FINANCE_DB_URL'),
  schemaPrefix: z
    .string()
    .regex(
      /^[a-z][a-z0-9_]{0,19}$/,
      'must be 1 to 20 lower-case letters, digits and _, starting with a letter',
    )
    .refine(
      (prefix) => !prefix.startsWith('pg_'),
      'must not start with pg_, which PostgreSQL keeps for itself',
    ),
  isolation: z.enum(isolations, { error: `must be ${isolations.join(' or ')}` }),
  migrationsFolder: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be the name of a folder in MODULES_DIR, without a path'),
};

/** Throws VALIDATION_ERROR when the variable may not name a service database. An allowed variable that is not set may be set later. */
export function requireDatabaseVariable(
  { serviceDatabases }: { serviceDatabases: ServiceDatabases },
  databaseRef: string,
): void {
  if (!serviceDatabases.allows(databaseRef))
    throw invalidField(
      'databaseRef',
      `${databaseRef} may not name a service database: use a variable such as FINANCE_DB_URL, or list it in MODULE_DB_VARIABLES`,
    );
}

/** Throws TENANT_NOT_READY when the module's database cannot be used, so that nothing is begun that cannot be done. */
export function requireUsableDatabase(
  { serviceDatabases }: { serviceDatabases: ServiceDatabases },
  { name, databaseRef }: Pick<Module, 'name' | 'databaseRef'>,
): void {
  const problem = serviceDatabases.findProblem(databaseRef);
  if (problem !== undefined)
    throw new RegistryError('TENANT_NOT_READY', `Module ${name} is not ready: ${problem}`, {
      isLasting: true,
    });
}

/**
 * Returns the module. Until the command ends, it is not removed, retired or moved; with UPDATE, other commands do not use it
 * either. Throws MODULE_NOT_FOUND.
 */
export async function requireModule(
  tx: Transaction,
  name: string,
  lock: 'KEY SHARE' | 'UPDATE' = 'KEY SHARE',
): Promise<Module> {
  const [found] = await tx.send({
    text: `SELECT * FROM modules WHERE name = $1 FOR ${lock}`,
    values: [name],
    isFrequent: true,
  });
  const row = found?.rows[0];
  if (!row) throw moduleNotFound(name);
  // All columns of the table are fields of the model, which a test compares.
  return readRow(moduleRow, row) as unknown as Module;
}

/** Throws CONFLICT. Subscriptions that are there go on, also after a failure; a trigger refuses the same to other writers. */
export function requireNotRetired({ name, retiredAt }: Pick<Module, 'name' | 'retiredAt'>): void {
  if (retiredAt === null) return;
  throw new RegistryError(
    'CONFLICT',
    `Module ${name} is retired and takes no new subscriptions: bring it back with updateModule (isRetired: false)`,
  );
}
