import { z } from 'zod';
import type { Module } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { prose } from './input.js';
import { isolations } from './isolation.js';
import { moduleNotFound } from './route.js';

/** The gateway's own variables, which must not name a service database. */
const ownVariables = ['DATABASE_URL', 'REDIS_URL', 'TEST_DATABASE_URL'];

/** The fields of a catalogue entry, for registerModule and updateModule. */
export const moduleFields = {
  description: prose(500),
  databaseRef: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,58}_URL$/, 'must name an environment variable such as FINANCE_DB_URL')
    .refine((name) => !ownVariables.includes(name), 'must not be a variable of the gateway itself'),
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

/** Returns the module; throws MODULE_NOT_FOUND. */
export async function requireModule(tx: Transaction, name: string): Promise<Module> {
  const module = await tx.module.findUnique({ where: { name } });
  if (!module) throw moduleNotFound(name);
  return module;
}
