import type { ApiKey } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';

/** An API key without the hash of its secret. */
export type ApiKeyRecord = Omit<ApiKey, 'secretHash'>;

/** All API keys, revoked ones included, oldest first. */
export function listApiKeys({ prisma }: RegistryDatabase): Promise<ApiKeyRecord[]> {
  return prisma.apiKey.findMany({ omit: { secretHash: true }, orderBy: { createdAt: 'asc' } });
}
