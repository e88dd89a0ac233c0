import { z } from 'zod';
import type { Module, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { invalidField, RegistryError } from '../errors.js';
import { type Isolation, type StorageNames, storageNaming } from './modules/isolation.js';

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
  const { wanted, module, tenant } = request;
  if (wanted !== undefined) {
    const use = await findUses(tx, [wanted], request);
    if (!request.exists && use.reserved.has(wanted))
      throw invalidField('schemaName', `"${wanted}" is a reserved word of SQL: choose another name`);
    const taker = use.takers.get(wanted);
    if (taker) throw taken(`Name "${wanted}" is taken by ${taker}`);
    return namesFor(wanted, request);
  }
  const plain = module.schemaPrefix + tenant.slug.replaceAll('-', '_');
  const suffixed = Array.from({ length: maxSuffix - 1 }, (_, at) => `${plain}_${at + 2}`);
  // A valid prefix and a valid slug may add up to a reserved name, such as pu + blic.
  const names = [plain, ...suffixed].filter((name) => storageName.safeParse(name).success);
  const { reserved, takers } = await findUses(tx, names, request);
  const free = names.find((name) => !reserved.has(name) && !takers.has(name));
  if (free !== undefined) return namesFor(free, request);
  throw taken(
    `"${plain}" and the ${maxSuffix - 1} names after it are taken or reserved: choose a schemaName`,
  );
}

function namesFor(name: string, { isolation, module }: NameRequest): StorageNames {
  return storageNaming[isolation].locate(name, module);
}

/** Why names are not free. */
interface Uses {
  /** Reserved words, which are refused because services may use schema names unquoted in their SQL. */
  reserved: Set<string>;
  /** The owner of a name in use: another tenant in any database, or another module in the same database. */
  takers: Map<string, string>;
}

const findTakers = `WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (name, database_name, schema_name))
  SELECT claim.name, 'tenant ' || claim.tenant_id AS taker FROM wanted JOIN storage_names AS claim USING (name)
    WHERE claim.kind = $4::isolation AND claim.tenant_id <> $5::uuid
  UNION ALL SELECT wanted.name, format('module %s of tenant %s', used.module, used.tenant_id)
    FROM wanted JOIN module_subscriptions AS used USING (database_name, schema_name)
  UNION ALL SELECT wanted.name, 'module ' || module.name FROM wanted JOIN modules AS module ON module.database_name = wanted.name
    WHERE $4::isolation = 'database'
  UNION ALL SELECT name, 'the server itself' FROM wanted
    WHERE $4::isolation = 'database' AND name IN ('postgres', 'template0', 'template1', 'registry')`;

/** Waits for the lock under which names are issued and looks the names up, in one message: others wait meanwhile. */
async function findUses(tx: Transaction, names: readonly string[], request: NameRequest): Promise<Uses> {
  const places = names.map((name) => namesFor(name, request));
  const [, reserved, takers] = await tx.send(
    {
      text: `SELECT pg_advisory_xact_lock(hashtextextended('tenant-registry/storage-names', 0))`,
      isFrequent: true,
    },
    {
      text: `SELECT word FROM pg_get_keywords() WHERE word = ANY ($1::text[]) AND catcode IN ('R', 'T')`,
      values: [names],
      isFrequent: true,
    },
    {
      text: findTakers,
      values: [
        names,
        places.map(({ databaseName }) => databaseName),
        places.map(({ schemaName }) => schemaName),
        request.isolation.toLowerCase(),
        request.tenant.id,
      ],
      isFrequent: true,
    },
  );
  return {
    reserved: new Set(reserved?.rows.map(({ word }) => word)),
    // The first one counts, so the rows are taken from the last.
    takers: new Map(
      takers?.rows
        .slice()
        .reverse()
        .map(({ name, taker }) => [name, taker]),
    ),
  };
}

function taken(message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field: 'schemaName', message }] });
}
