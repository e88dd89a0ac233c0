import { z } from 'zod';
import type { RegistryDatabase } from '../database/registry-database.js';
import { readInput, text } from './input.js';
import { deriveSlug } from './slug.js';

export interface SlugSuggestion {
  slug: string;
  isAvailable: boolean;
}

/** The slug that a tenant of this name gets when none is given. Throws VALIDATION_ERROR as its registration would. */
export async function suggestSlug(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  input: { name: string },
): Promise<SlugSuggestion> {
  const { name } = readInput(z.object({ name: text(200) }), input);
  const slug = deriveSlug(name);
  const taken = await prisma.tenant.findUnique({ where: { slug }, select: { id: true } });
  const named = await prisma.tenantExternalId.findUnique({ where: { externalId: slug } });
  return { slug, isAvailable: taken === null && named === null };
}
