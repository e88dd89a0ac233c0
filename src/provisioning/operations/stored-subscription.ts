import type { Prisma } from '../../database/generated/prisma/client.js';

/** Subscriptions with storage: it has resolved, or was made and waits for markModuleProvisioned. */
export const hasStorage = {
  storageRemovedAt: null,
  OR: [{ provisionedAt: { not: null } }, { migrationVersion: { not: null } }],
} satisfies Prisma.ModuleSubscriptionWhereInput;
