import { z } from 'zod';
import type { Module, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { invalidField, RegistryError } from '../errors.js';
import { type Isolation, type StorageNames, storageNaming } from './isolation.js';

// In a search_path PostgreSQL reads "$user" as the name of the role.
const reservedSchemas = ['public', 'information_schema', 'tenant_guard', '$user'];

/** An explicit schema or database name. Without one, the registry issues `<prefix><slug with - as _>`. */
export const storageName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and _, starting with a letter')
  .refine((name) => !name.startsWith('pg_'), 'must not start with pg_, which PostgreSQL keeps for itself')
  .refine((name) => !reservedSchemas.includes(name), 'is a schema of PostgreSQL, or of the guard, itself');

/** The name of existing storage: any name that PostgreSQL accepts and does not reserve. */
export const existingName = z
  .string()
  .min(1, 'must not be empty')
  .refine((name) => Buffer.byteLength(name) <= 63, 'must have at most 63 bytes')
  .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters')
  .refine((name) => !name.startsWith('pg_'), 'must not start with pg_, which PostgreSQL keeps for itself')
  .refine((name) => !reservedSchemas.includes(name), 'is a schema of PostgreSQL, or of the guard, itself');

export interface NameRequest {
  tenant: Tenant;
  module: Module;
  isolation: Isolation;
  /** The explicit name, when the caller gave one. */
  wanted: string | undefined;
  /** Whether storage of that name exists already: it may keep a name that is a reserved word. */
  exists?: boolean | undefined;
}

const maxSuffix = 99;

/**
 * Issues names for a tenant's data of a module. Holds a lock until the end of the transaction, so that the names are still free
 * at its commit. Throws CONFLICT when an explicit name is taken; an issued name gets a suffix instead.
 */
export async function issueNames(tx: Transaction, request: NameRequest): Promise<StorageNames> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended('tenant-registry/storage-names', 0))::text`;
  const { wanted, module, tenant } = request;
  if (wanted !== undefined) {
    if (!request.exists && (await isReservedWord(tx, wanted)))
      throw invalidField('schemaName', `"${wanted}" is a reserved word of SQL: choose another name`);
    const taker = await findTaker(tx, wanted, request);
    if (taker) throw taken(`Name "${wanted}" is taken by ${taker}`);
    return namesFor(wanted, request);
  }
  const plain = module.schemaPrefix + tenant.slug.replaceAll('-', '_');
  for (let suffix = 1; suffix <= maxSuffix; suffix++) {
    const name = suffix === 1 ? plain : `${plain}_${suffix}`;
    // A valid prefix and a valid slug may add up to a reserved name, such as pu + blic.
    if (!storageName.safeParse(name).success || (await isReservedWord(tx, name))) continue;
    if (!(await findTaker(tx, name, request))) return namesFor(name, request);
  }
  throw taken(
    `"${plain}" and the ${maxSuffix - 1} names after it are taken or reserved: choose a schemaName`,
  );
}

function namesFor(name: string, { isolation, module }: NameRequest): StorageNames {
  return storageNaming[isolation].locate(name, module);
}

/** The owner of a name in use: another tenant in any database, or another module in the same database. */
async function findTaker(tx: Transaction, name: string, request: NameRequest): Promise<string | undefined> {
  const { tenant, isolation } = request;
  const claim = await tx.storageName.findUnique({ where: { kind_name: { kind: isolation, name } } });
  if (claim && claim.tenantId !== tenant.id) return `tenant ${claim.tenantId}`;
  const used = await tx.moduleSubscription.findFirst({ where: namesFor(name, request) });
  if (used) return `module ${used.moduleName} of tenant ${used.tenantId}`;
  if (!storageNaming[isolation].hasOwnDatabase) return undefined;
  const module = await tx.module.findFirst({ where: { databaseName: name } });
  if (module) return `module ${module.name}`;
  return ['postgres', 'template0', 'template1', 'registry'].includes(name) ? 'the server itself' : undefined;
}

/** Reserved words are refused, because services may use schema names unquoted in their SQL. */
async function isReservedWord(tx: Transaction, name: string): Promise<boolean> {
  const reserved = await tx.$queryRaw<unknown[]>`
    SELECT 1 AS found FROM pg_get_keywords() WHERE word = ${name} AND catcode IN ('R', 'T')`;
  return reserved.length > 0;
}

function taken(message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field: 'schemaName', message }] });
}
