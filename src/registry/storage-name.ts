import { z } from 'zod';
import type { Isolation, Module, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { invalidField, RegistryError } from '../errors.js';

// In a search_path PostgreSQL reads "$user" as the name of the role.
const reservedSchemas = ['public', 'information_schema', 'tenant_guard', '$user'];

/** A name that a caller chooses. Without one the registry issues `<prefix><slug with - as _>`. */
export const storageName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and _, starting with a letter')
  .refine((name) => !name.startsWith('pg_'), 'must not start with pg_, which PostgreSQL keeps for itself')
  .refine((name) => !reservedSchemas.includes(name), 'is a schema of PostgreSQL, or of the guard, itself');

/** A name that exists in a service database: any name that PostgreSQL allows and does not reserve. */
export const existingName = z
  .string()
  .min(1, 'must not be empty')
  .refine((name) => Buffer.byteLength(name) <= 63, 'must have at most 63 bytes')
  .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters')
  .refine((name) => !name.startsWith('pg_'), 'must not start with pg_, which PostgreSQL keeps for itself')
  .refine((name) => !reservedSchemas.includes(name), 'is a schema of PostgreSQL, or of the guard, itself');

/** The columns of a subscription with the place of its data. */
export interface IssuedNames {
  databaseName: string;
  schemaName: string;
}

export interface NameRequest {
  tenant: Tenant;
  module: Module;
  isolation: Isolation;
  /** The explicit name, when the caller gave one. */
  wanted: string | undefined;
  /** True for existing storage, which keeps its name even when that is a reserved word. */
  stands?: boolean | undefined;
}

const maxSuffix = 99;

/**
 * Issues names for a tenant's data of a module that are free at the moment of commit: a lock until the end of the
 * transaction serialises all issuers. Throws CONFLICT when the chosen name is taken; an issued name gets a suffix
 * instead.
 */
export async function issueNames(tx: Transaction, request: NameRequest): Promise<IssuedNames> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended('tenant-registry/storage-names', 0))::text`;
  const { wanted, module, tenant } = request;
  if (wanted !== undefined) {
    if (!request.stands && (await isReservedWord(tx, wanted)))
      throw invalidField('schemaName', `"${wanted}" is a reserved word of SQL: choose another name`);
    const taker = await findTaker(tx, wanted, request);
    if (taker) throw taken(`Name "${wanted}" is taken by ${taker}`);
    return namesFor(wanted, request);
  }
  const plain = module.schemaPrefix + tenant.slug.replaceAll('-', '_');
  for (let suffix = 1; suffix <= maxSuffix; suffix++) {
    const name = suffix === 1 ? plain : `${plain}_${suffix}`;
    // A harmless prefix and a harmless slug can form a reserved name: pu + blic.
    if (!storageName.safeParse(name).success || (await isReservedWord(tx, name))) continue;
    if (!(await findTaker(tx, name, request))) return namesFor(name, request);
  }
  throw taken(
    `"${plain}" and the ${maxSuffix - 1} names after it are taken or reserved: choose a schemaName`,
  );
}

function namesFor(name: string, { isolation, module }: NameRequest): IssuedNames {
  return isolation === 'SCHEMA'
    ? { databaseName: module.databaseName, schemaName: name }
    : { databaseName: name, schemaName: 'public' };
}

/** Returns the owner of a taken name: another tenant in any database, or another module in the same database. */
async function findTaker(tx: Transaction, name: string, request: NameRequest): Promise<string | undefined> {
  const { tenant, isolation } = request;
  const claim = await tx.storageName.findUnique({ where: { kind_name: { kind: isolation, name } } });
  if (claim && claim.tenantId !== tenant.id) return `tenant ${claim.tenantId}`;
  const used = await tx.moduleSubscription.findFirst({ where: namesFor(name, request) });
  if (used) return `module ${used.moduleName} of tenant ${used.tenantId}`;
  if (isolation === 'SCHEMA') return undefined;
  const module = await tx.module.findFirst({ where: { databaseName: name } });
  if (module) return `module ${module.name}`;
  return ['postgres', 'template0', 'template1', 'registry'].includes(name) ? 'the server itself' : undefined;
}

/** Reserved words are refused because services do not always quote schema names in their own SQL. */
async function isReservedWord(tx: Transaction, name: string): Promise<boolean> {
  const reserved = await tx.$queryRaw<unknown[]>`
    SELECT 1 AS found FROM pg_get_keywords() WHERE word = ${name} AND catcode IN ('R', 'T')`;
  return reserved.length > 0;
}

function taken(message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field: 'schemaName', message }] });
}
