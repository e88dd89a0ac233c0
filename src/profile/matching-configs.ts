import type { PrismaClient } from '../database/generated/prisma/client.js';
import { invalidField } from '../errors.js';
import { readInput } from '../registry/input.js';
import { configObject } from './tenant-config.js';

/** As many ids as fit into one statement. */
const maxMatches = 10_000;

/**
 * Ids of the tenants whose configuration contains this one (jsonb's @>, by its GIN index, for which Prisma's filters have no
 * word). Throws VALIDATION_ERROR, also when more than 10,000 do.
 */
export async function listTenantsConfigured(prisma: PrismaClient, config: unknown): Promise<string[]> {
  const part = JSON.stringify(readInput(configObject, config));
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    SELECT id FROM tenants WHERE tenant_config @> ${part}::jsonb LIMIT ${maxMatches + 1}`;
  if (rows.length > maxMatches)
    throw invalidField(
      'filter.config',
      `more than ${maxMatches} tenants are configured so: ask for more of it`,
    );
  return rows.map(({ id }) => id);
}
