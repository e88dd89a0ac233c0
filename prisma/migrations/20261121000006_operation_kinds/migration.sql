-- Alone in a migration: a value that was just added to an enum can't be used before its transaction has ended.

-- AlterEnum
ALTER TYPE "operation_kind" ADD VALUE 'adopt_storage';
ALTER TYPE "operation_kind" ADD VALUE 'bind_storage';
ALTER TYPE "operation_kind" ADD VALUE 'remove_storage';
ALTER TYPE "operation_kind" ADD VALUE 'purge_tenant';
