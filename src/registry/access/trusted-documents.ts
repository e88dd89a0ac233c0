import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { queryWithin } from '../../database/connections/pool.js';
import { invalidFields, RegistryError } from '../../errors.js';
import type { CommandContext } from '../command.js';

/** A registered GraphQL document. */
export interface TrustedDocument {
  id: string;
  body: string;
}

/** Every gateway holds all of them in memory. */
const maxDocuments = 5_000;
const maxLength = 100_000;

/** The id of a document: the SHA-256 of its text in UTF-8, in hexadecimal. */
export function documentIdOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export async function loadTrustedDocuments(pool: Pool, timeoutMs: number): Promise<TrustedDocument[]> {
  const text = 'SELECT id, body FROM trusted_documents';
  return (await queryWithin(pool, timeoutMs, { text, values: [] })).rows;
}

export async function listTrustedDocuments({ database }: Pick<CommandContext, 'database'>) {
  return await database.prisma.trustedDocument.findMany({ orderBy: [{ addedAt: 'asc' }, { id: 'asc' }] });
}

/** Registers documents; those that are registered already stay as they are. Returns the number of new ones. */
export async function addTrustedDocuments(
  { database, caller }: Pick<CommandContext, 'database' | 'caller'>,
  texts: readonly string[],
): Promise<number> {
  const wrong = texts.flatMap((text, at) =>
    text.length === 0 || text.length > maxLength
      ? [{ field: `documents.${at}`, message: `must have 1 to ${maxLength} characters` }]
      : [],
  );
  if (wrong.length > 0) throw invalidFields(wrong);
  return await database.prisma.$transaction(async (tx) => {
    const { count } = await tx.trustedDocument.createMany({
      data: texts.map((body) => ({ id: documentIdOf(body), body, addedBy: caller.actor })),
      skipDuplicates: true,
    });
    const total = await tx.trustedDocument.count();
    if (total > maxDocuments)
      throw new RegistryError(
        'QUOTA_EXCEEDED',
        `${total} documents would be registered; at most ${maxDocuments} may be: remove some with "documents remove"`,
      );
    return count;
  });
}

/** Returns the ids that were registered. */
export async function removeTrustedDocuments(
  { database }: Pick<CommandContext, 'database'>,
  ids: readonly string[],
): Promise<string[]> {
  return await database.prisma.$transaction(async (tx) => {
    const where = { id: { in: [...ids] } };
    const found = await tx.trustedDocument.findMany({ where, select: { id: true } });
    await tx.trustedDocument.deleteMany({ where });
    return found.map(({ id }) => id);
  });
}
