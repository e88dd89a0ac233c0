import { expect, inject, test } from 'vitest';
import { findSchemaDrift } from '../../../src/database/migrations/schema-drift.js';
import { accountScripts, aFile, aMigrationsDir, aUser, queryOnce } from '../support/temporary-databases.js';

const serverUrl = inject('postgresUrl');

const accountSchema = `
  datasource db {
    provider = "postgresql"
  }
  model accounts {
    id        Int         @id
    balance   Int
    transfers transfers[]
  }
  model transfers {
    id         Int      @id
    account_id Int
    accounts   accounts @relation(fields: [account_id], references: [id], onDelete: NoAction, onUpdate: NoAction)
  }`;

test('prisma/migrations create exactly the tables of prisma/schema.prisma', async () => {
  expect(await findSchemaDrift(serverUrl)).toBe('');
});

test('a schema that agrees with its migrations has no drift, even with CHECKs and constraint triggers', async () => {
  const migrationsDir = await aMigrationsDir(accountScripts);
  const schemaFile = await aFile(accountSchema);
  expect(await findSchemaDrift(serverUrl, { migrationsDir, schemaFile })).toBe('');
});

test('the drift of a schema that is ahead of its migrations is the missing SQL', async () => {
  const migrationsDir = await aMigrationsDir(accountScripts);
  const schemaFile = await aFile(accountSchema.replace('balance ', 'owner String\n balance '));
  expect(await findSchemaDrift(serverUrl, { migrationsDir, schemaFile })).toContain(
    'ALTER TABLE "accounts" ADD COLUMN     "owner" TEXT NOT NULL',
  );
});

test('migrations that are ahead of their schema are drift as well', async () => {
  const migrationsDir = await aMigrationsDir({
    ...accountScripts,
    '0003_notes': 'CREATE TABLE notes (id int)',
  });
  const schemaFile = await aFile(accountSchema);
  expect(await findSchemaDrift(serverUrl, { migrationsDir, schemaFile })).toContain('DROP TABLE "notes"');
});

test('the comparison needs only the right to create databases, and leaves no database behind, even when a migration fails', async () => {
  const user = await aUser('CREATEDB');
  const schemaFile = await aFile(accountSchema);
  const sound = { migrationsDir: await aMigrationsDir(accountScripts), schemaFile };
  const broken = { migrationsDir: await aMigrationsDir({ '0001_broken': 'SELECT nothing' }), schemaFile };
  expect(await findSchemaDrift(user.url, sound)).toBe('');
  await expect(findSchemaDrift(user.url, broken)).rejects.toThrow('0001_broken');
  const left = `SELECT datname FROM pg_database WHERE datdba = '${user.name}'::regrole`;
  expect(await queryOnce(serverUrl, left)).toEqual([]);
});
