import type { PrismaConfig } from 'prisma/config';

// For the prisma CLI alone: the gateway applies its migrations itself (src/database/migrations/migrate.ts).
const url = process.env.DATABASE_URL;

export default {
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url ? { datasource: { url } } : {}),
} satisfies PrismaConfig;
