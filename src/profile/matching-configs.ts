import type { PrismaClient } from '../database/generated/prisma/client.js';
import { invalidField } from '../errors.js';
import { readInput } from '../registry/input.js';
import { configObject } from './tenant-config.js';

/** How many ids fit into one statement. */
const maxMatches = 10_000;

/**
 * Returns the ids of the tenants whose configuration contains this one (operator @> of jsonb with its GIN index, which
 * Prisma's filters cannot express). Throws VALIDATION_ERROR, also for more than 10,000 matches.
 */
export async function listTenantsConfigured(prisma: PrismaClient, config: unknown): Promise<string[]> {
  const part = JSON.stringify(readInput(configObject, config));
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    SELECT id FROM tenants WHERE tenant_config @> ${part}::jsonb LIMIT ${maxMatches + 1}`;
  if (rows.length > maxMatches)
    throw invalidField('filter.config', `more than ${maxMatches} tenants match: add more keys to the filter`);
  return rows.map(({ id }) => id);
}
