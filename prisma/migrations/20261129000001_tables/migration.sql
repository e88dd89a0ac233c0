-- Tables: enum types, tables, indexes and foreign keys, exactly as prisma/schema.prisma declares them.
-- Everything that Prisma cannot express (CHECK constraints, triggers, functions, views, procedures, comments) is in the
-- migrations after this one.

CREATE TYPE "tenant_status" AS ENUM ('pending', 'provisioning', 'active', 'suspended', 'failed', 'deleted', 'purged');
CREATE TYPE "subscription_status" AS ENUM ('pending', 'provisioning', 'active', 'migrating', 'suspended', 'failed', 'deprovisioning', 'cancelled');
CREATE TYPE "operation_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'compensating', 'compensated', 'cancelled', 'needs_attention');
CREATE TYPE "operation_kind" AS ENUM ('subscribe_tenant', 'provision_module', 'provision_tenant', 'mark_module_provisioned', 'adopt_storage', 'bind_storage', 'remove_storage', 'purge_tenant');
CREATE TYPE "isolation" AS ENUM ('schema', 'database');
CREATE TYPE "plan" AS ENUM ('lite', 'pro', 'enterprise');
CREATE TYPE "config_source" AS ENUM ('yaml', 'database');
CREATE TYPE "member_role" AS ENUM ('admin', 'member');
CREATE TYPE "member_status" AS ENUM ('invited', 'active', 'removed');

CREATE TABLE "tenants" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "short_name" VARCHAR(50),
    "status" "tenant_status" NOT NULL DEFAULT 'active',
    "plan" "plan" NOT NULL DEFAULT 'lite',
    "max_users" INTEGER NOT NULL DEFAULT 5,
    "max_monthly_quotes" INTEGER NOT NULL DEFAULT 100,
    "max_storage_gb" INTEGER NOT NULL DEFAULT 1,
    "timezone" VARCHAR(50) NOT NULL DEFAULT 'Africa/Johannesburg',
    "currency" VARCHAR(10) NOT NULL DEFAULT 'ZAR',
    "primary_email" TEXT,
    "gcp_project_id" TEXT,
    "gcp_dataset" TEXT,
    "tenant_config" JSONB NOT NULL DEFAULT '{}',
    "config_source" "config_source" NOT NULL DEFAULT 'database',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "suspended_at" TIMESTAMPTZ(6),
    "suspended_reason" TEXT,
    "deleted_at" TIMESTAMPTZ(6),
    "purge_after" TIMESTAMPTZ(6),
    "status_before_deletion" "tenant_status",
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "modules" (
    "name" TEXT NOT NULL,
    "description" TEXT,
    "database_ref" TEXT NOT NULL,
    "database_name" TEXT NOT NULL,
    "schema_prefix" TEXT NOT NULL,
    "isolation" "isolation" NOT NULL DEFAULT 'schema',
    "migrations_folder" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "modules_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "module_subscriptions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "tenant_id" UUID NOT NULL,
    "module" TEXT NOT NULL,
    "isolation" "isolation" NOT NULL,
    "database_name" TEXT NOT NULL,
    "schema_name" TEXT NOT NULL,
    "status" "subscription_status" NOT NULL DEFAULT 'pending',
    "generation" INTEGER NOT NULL DEFAULT 1,
    "migration_version" TEXT,
    "provisioned_at" TIMESTAMPTZ(6),
    "cancelled_at" TIMESTAMPTZ(6),
    "purge_after" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,
    "storage_removed_at" TIMESTAMPTZ(6),

    CONSTRAINT "module_subscriptions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "storage_names" (
    "kind" "isolation" NOT NULL,
    "name" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "claimed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(6),

    CONSTRAINT "storage_names_pkey" PRIMARY KEY ("kind","name")
);

CREATE TABLE "tenant_settings" (
    "tenant_id" UUID NOT NULL,
    "company_name" TEXT NOT NULL,
    "support_email" TEXT,
    "support_phone" TEXT,
    "website" TEXT,
    "currency" VARCHAR(10) NOT NULL DEFAULT 'ZAR',
    "timezone" VARCHAR(50) NOT NULL DEFAULT 'Africa/Johannesburg',
    "email_from_name" TEXT,
    "email_from_email" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "tenant_settings_pkey" PRIMARY KEY ("tenant_id")
);

CREATE TABLE "tenant_branding" (
    "tenant_id" UUID NOT NULL,
    "preset_theme" TEXT NOT NULL DEFAULT 'professional_blue',
    "logo_url" TEXT,
    "primary_color" TEXT,
    "secondary_color" TEXT,
    "accent_color" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "tenant_branding_pkey" PRIMARY KEY ("tenant_id")
);

CREATE TABLE "members" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "tenant_id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "full_name" TEXT,
    "role" "member_role" NOT NULL DEFAULT 'member',
    "status" "member_status" NOT NULL DEFAULT 'invited',
    "subject" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "members_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "invitations" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "tenant_id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,
    "accepted_at" TIMESTAMPTZ(6),

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "operations" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "kind" "operation_kind" NOT NULL,
    "tenant_id" UUID,
    "status" "operation_status" NOT NULL DEFAULT 'queued',
    "actor" TEXT NOT NULL,
    "error" TEXT,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "fencing_token" BIGINT NOT NULL DEFAULT 0,
    "worker" TEXT,
    "heartbeat_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),
    "cancel_requested_at" TIMESTAMPTZ(6),
    "idempotency_key" TEXT,
    "run_after" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "operation_steps" (
    "operation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "module" TEXT,
    "status" "operation_status" NOT NULL DEFAULT 'queued',
    "error" TEXT,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),
    "facts" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "operation_steps_pkey" PRIMARY KEY ("operation_id","position")
);

CREATE TABLE "api_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "expires_at" TIMESTAMPTZ(6),
    "revoked_at" TIMESTAMPTZ(6),
    "last_used_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "idempotency_keys" (
    "caller" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "result" JSONB,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("caller","key")
);

CREATE TABLE "registry_head" (
    "id" BOOLEAN NOT NULL DEFAULT true,
    "revision" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "hash" BYTEA NOT NULL,
    "incarnation" UUID NOT NULL DEFAULT gen_random_uuid(),
    "transaction_id" BIGINT NOT NULL,
    "transaction_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "registry_head_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "registry_change" (
    "revision" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "tenant_id" UUID,
    "tenant_slug" TEXT,
    "module" TEXT,
    "kind" TEXT NOT NULL,
    "entity_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "database_role" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,
    "changed_at" TIMESTAMPTZ(6) NOT NULL,
    "previous_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "registry_change_pkey" PRIMARY KEY ("revision","position")
);

CREATE TABLE "personal_data_keys" (
    "tenant_id" UUID NOT NULL,
    "key" BYTEA NOT NULL,

    CONSTRAINT "personal_data_keys_pkey" PRIMARY KEY ("tenant_id")
);

CREATE TABLE "cache_secret" (
    "is_only" BOOLEAN NOT NULL DEFAULT true,
    "secret" BYTEA NOT NULL,

    CONSTRAINT "cache_secret_pkey" PRIMARY KEY ("is_only")
);

CREATE TABLE "replicas" (
    "id" UUID NOT NULL,
    "hostname" TEXT NOT NULL,
    "epoch" TEXT,
    "revision" BIGINT NOT NULL DEFAULT 0,
    "clients_revision" BIGINT,
    "staleness_ms" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "reported_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "replicas_pkey" PRIMARY KEY ("id")
);

-- Indexes.
CREATE UNIQUE INDEX "tenants_slug_key" ON "tenants"("slug");
CREATE INDEX "tenants_created_at_id_idx" ON "tenants"("created_at", "id");
CREATE INDEX "tenants_name_id_idx" ON "tenants"("name", "id");
CREATE INDEX "tenants_status_idx" ON "tenants"("status");
CREATE INDEX "tenants_tenant_config_idx" ON "tenants" USING GIN ("tenant_config");
CREATE INDEX "module_subscriptions_module_status_idx" ON "module_subscriptions"("module", "status");
CREATE UNIQUE INDEX "module_subscriptions_tenant_id_module_key" ON "module_subscriptions"("tenant_id", "module");
CREATE INDEX "members_email_idx" ON "members"("email");
CREATE INDEX "members_subject_idx" ON "members"("subject");
CREATE UNIQUE INDEX "members_tenant_id_email_key" ON "members"("tenant_id", "email");
CREATE UNIQUE INDEX "members_tenant_id_subject_key" ON "members"("tenant_id", "subject");
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");
CREATE INDEX "invitations_tenant_id_idx" ON "invitations"("tenant_id");
CREATE INDEX "operations_tenant_id_created_at_idx" ON "operations"("tenant_id", "created_at");
CREATE INDEX "operations_status_heartbeat_at_idx" ON "operations"("status", "heartbeat_at");
CREATE INDEX "operations_status_run_after_idx" ON "operations"("status", "run_after");
CREATE INDEX "operation_steps_module_idx" ON "operation_steps"("module");
CREATE UNIQUE INDEX "api_keys_secret_hash_key" ON "api_keys"("secret_hash");
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");
-- Pages of the audit log by tenant, by actor or by kind are read in the order of these indexes, however long the log is.
CREATE INDEX "registry_change_tenant_id_revision_idx" ON "registry_change"("tenant_id", "revision");
CREATE INDEX "registry_change_actor_revision_position_idx" ON "registry_change"("actor", "revision", "position");
CREATE INDEX "registry_change_kind_revision_position_idx" ON "registry_change"("kind", "revision", "position");
CREATE INDEX "registry_change_changed_at_idx" ON "registry_change"("changed_at");

-- Foreign keys. A tenant cannot be deleted while rows refer to it; registry_change and storage_names outlive their
-- tenant on purpose and have no foreign keys.
ALTER TABLE "module_subscriptions" ADD CONSTRAINT "module_subscriptions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "module_subscriptions" ADD CONSTRAINT "module_subscriptions_module_fkey" FOREIGN KEY ("module") REFERENCES "modules"("name") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "tenant_settings" ADD CONSTRAINT "tenant_settings_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "tenant_branding" ADD CONSTRAINT "tenant_branding_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_member_id_fkey" FOREIGN KEY ("member_id") REFERENCES "members"("id") ON DELETE CASCADE ON UPDATE RESTRICT;
ALTER TABLE "operations" ADD CONSTRAINT "operations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "operation_steps" ADD CONSTRAINT "operation_steps_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE RESTRICT;
