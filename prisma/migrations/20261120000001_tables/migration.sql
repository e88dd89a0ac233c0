-- CreateEnum
CREATE TYPE "tenant_status" AS ENUM ('pending', 'provisioning', 'active', 'suspended', 'failed', 'deleted', 'purged');

-- CreateEnum
CREATE TYPE "subscription_status" AS ENUM ('pending', 'provisioning', 'active', 'migrating', 'suspended', 'failed', 'deprovisioning', 'cancelled');

-- CreateEnum
CREATE TYPE "operation_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'compensating', 'compensated', 'cancelled', 'needs_attention');

-- CreateEnum
CREATE TYPE "operation_kind" AS ENUM ('subscribe_tenant', 'provision_module', 'provision_tenant', 'mark_module_provisioned');

-- CreateEnum
CREATE TYPE "isolation" AS ENUM ('schema', 'database');

-- CreateEnum
CREATE TYPE "plan" AS ENUM ('lite', 'pro', 'enterprise');

-- CreateEnum
CREATE TYPE "config_source" AS ENUM ('yaml', 'database');

-- CreateEnum
CREATE TYPE "member_role" AS ENUM ('admin', 'member');

-- CreateEnum
CREATE TYPE "member_status" AS ENUM ('invited', 'active', 'removed');

-- CreateTable
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

-- CreateTable
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

-- CreateTable
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

    CONSTRAINT "module_subscriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "storage_names" (
    "kind" "isolation" NOT NULL,
    "name" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "claimed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(6),

    CONSTRAINT "storage_names_pkey" PRIMARY KEY ("kind","name")
);

-- CreateTable
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

-- CreateTable
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

-- CreateTable
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

-- CreateTable
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

-- CreateTable
CREATE TABLE "operations" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "kind" "operation_kind" NOT NULL,
    "tenant_id" UUID,
    "status" "operation_status" NOT NULL DEFAULT 'queued',
    "actor" TEXT NOT NULL,
    "input" JSONB NOT NULL DEFAULT '{}',
    "error" TEXT,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "fencing_token" BIGINT NOT NULL DEFAULT 0,
    "worker" TEXT,
    "heartbeat_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "operations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation_steps" (
    "operation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "module" TEXT,
    "status" "operation_status" NOT NULL DEFAULT 'queued',
    "error" TEXT,
    "started_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "operation_steps_pkey" PRIMARY KEY ("operation_id","position")
);

-- CreateTable
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

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "caller" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "result" JSONB,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("caller","key")
);

-- CreateTable
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

-- CreateTable
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

-- CreateTable
CREATE TABLE "personal_data_keys" (
    "tenant_id" UUID NOT NULL,
    "key" BYTEA NOT NULL,

    CONSTRAINT "personal_data_keys_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
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

-- CreateIndex
CREATE UNIQUE INDEX "tenants_slug_key" ON "tenants"("slug");

-- CreateIndex
CREATE INDEX "tenants_created_at_id_idx" ON "tenants"("created_at", "id");

-- CreateIndex
CREATE INDEX "tenants_name_id_idx" ON "tenants"("name", "id");

-- CreateIndex
CREATE INDEX "tenants_status_idx" ON "tenants"("status");

-- CreateIndex
CREATE INDEX "tenants_tenant_config_idx" ON "tenants" USING GIN ("tenant_config");

-- CreateIndex
CREATE INDEX "module_subscriptions_module_status_idx" ON "module_subscriptions"("module", "status");

-- CreateIndex
CREATE UNIQUE INDEX "module_subscriptions_tenant_id_module_key" ON "module_subscriptions"("tenant_id", "module");

-- CreateIndex
CREATE INDEX "members_email_idx" ON "members"("email");

-- CreateIndex
CREATE INDEX "members_subject_idx" ON "members"("subject");

-- CreateIndex
CREATE UNIQUE INDEX "members_tenant_id_email_key" ON "members"("tenant_id", "email");

-- CreateIndex
CREATE UNIQUE INDEX "members_tenant_id_subject_key" ON "members"("tenant_id", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");

-- CreateIndex
CREATE INDEX "invitations_tenant_id_idx" ON "invitations"("tenant_id");

-- CreateIndex
CREATE INDEX "operations_tenant_id_created_at_idx" ON "operations"("tenant_id", "created_at");

-- CreateIndex
CREATE INDEX "operations_status_heartbeat_at_idx" ON "operations"("status", "heartbeat_at");

-- CreateIndex
CREATE INDEX "operation_steps_module_idx" ON "operation_steps"("module");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_secret_hash_key" ON "api_keys"("secret_hash");

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- CreateIndex
CREATE INDEX "registry_change_tenant_id_revision_idx" ON "registry_change"("tenant_id", "revision");

-- AddForeignKey
ALTER TABLE "module_subscriptions" ADD CONSTRAINT "module_subscriptions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "module_subscriptions" ADD CONSTRAINT "module_subscriptions_module_fkey" FOREIGN KEY ("module") REFERENCES "modules"("name") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "tenant_settings" ADD CONSTRAINT "tenant_settings_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "tenant_branding" ADD CONSTRAINT "tenant_branding_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_member_id_fkey" FOREIGN KEY ("member_id") REFERENCES "members"("id") ON DELETE CASCADE ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operations" ADD CONSTRAINT "operations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "operation_steps" ADD CONSTRAINT "operation_steps_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE RESTRICT;


-- What must never be. Messages for people come from the application; these hold for psql too.

ALTER TABLE tenants
  ADD CONSTRAINT tenants_slug_form CHECK (
    slug ~ '^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$' AND length(slug) BETWEEN 2 AND 40 AND slug !~ '^pg_'),
  ADD CONSTRAINT tenants_slug_is_no_uuid CHECK (replace(slug, '-', '') !~ '^[0-9a-f]{32}$'),
  ADD CONSTRAINT tenants_name_form CHECK (name = btrim(name) AND length(name) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]]'),
  ADD CONSTRAINT tenants_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT tenants_primary_email_form CHECK (primary_email ~ '^[^@\s]+@[^@\s]+$'),
  ADD CONSTRAINT tenants_quotas_not_negative CHECK (max_users >= 0 AND max_monthly_quotes >= 0 AND max_storage_gb >= 0),
  ADD CONSTRAINT tenants_config_is_object CHECK (jsonb_typeof(tenant_config) = 'object'),
  ADD CONSTRAINT tenants_suspension_has_date CHECK (status <> 'suspended' OR suspended_at IS NOT NULL),
  ADD CONSTRAINT tenants_deletion_has_dates CHECK (
    status <> 'deleted' OR (deleted_at IS NOT NULL AND purge_after IS NOT NULL AND status_before_deletion IS NOT NULL)),
  ADD CONSTRAINT tenants_version_positive CHECK (version >= 1);

ALTER TABLE modules
  ADD CONSTRAINT modules_name_form CHECK (name ~ '^[a-z][a-z0-9_]{0,30}$'),
  ADD CONSTRAINT modules_database_ref_form CHECK (database_ref ~ '^[A-Z][A-Z0-9_]{0,62}$'),
  ADD CONSTRAINT modules_database_name_form CHECK (octet_length(database_name) BETWEEN 1 AND 63),
  -- 20 + 40 of the slug + a suffix of 3 fit the 63 bytes of a PostgreSQL name.
  ADD CONSTRAINT modules_schema_prefix_form CHECK (schema_prefix ~ '^[a-z][a-z0-9_]{0,19}$' AND schema_prefix !~ '^pg_'),
  ADD CONSTRAINT modules_migrations_folder_form CHECK (migrations_folder ~ '^[a-z][a-z0-9_-]{0,62}$');

ALTER TABLE module_subscriptions
  ADD CONSTRAINT module_subscriptions_schema_name_form CHECK (
    schema_name ~ '^[a-z][a-z0-9_]{0,62}$' AND schema_name !~ '^pg_' AND schema_name <> 'information_schema'),
  ADD CONSTRAINT module_subscriptions_public_is_own_database CHECK (schema_name <> 'public' OR isolation = 'database'),
  ADD CONSTRAINT module_subscriptions_database_name_form CHECK (
    octet_length(database_name) BETWEEN 1 AND 63
    AND (isolation = 'schema' OR (database_name ~ '^[a-z][a-z0-9_]{0,62}$' AND database_name !~ '^pg_'))),
  ADD CONSTRAINT module_subscriptions_active_is_provisioned CHECK (status <> 'active' OR provisioned_at IS NOT NULL),
  ADD CONSTRAINT module_subscriptions_generation_positive CHECK (generation >= 1 AND version >= 1);

ALTER TABLE storage_names
  ADD CONSTRAINT storage_names_name_form CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$' AND name !~ '^pg_');

ALTER TABLE tenant_settings
  ADD CONSTRAINT tenant_settings_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT tenant_settings_email_form CHECK (
    support_email ~ '^[^@\s]+@[^@\s]+$' AND email_from_email ~ '^[^@\s]+@[^@\s]+$');

ALTER TABLE tenant_branding
  ADD CONSTRAINT tenant_branding_color_form CHECK (
    primary_color ~ '^#[0-9A-Fa-f]{6}$' AND secondary_color ~ '^#[0-9A-Fa-f]{6}$' AND accent_color ~ '^#[0-9A-Fa-f]{6}$');

ALTER TABLE members
  ADD CONSTRAINT members_email_form CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND email = lower(email));

ALTER TABLE invitations
  ADD CONSTRAINT invitations_token_is_hashed CHECK (octet_length(token_hash) = 32);

ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_secret_is_hashed CHECK (octet_length(secret_hash) = 32),
  ADD CONSTRAINT api_keys_name_form CHECK (length(name) BETWEEN 1 AND 100 AND name !~ '[[:cntrl:]]'),
  ADD CONSTRAINT api_keys_has_scopes CHECK (cardinality(scopes) > 0);

ALTER TABLE operations
  ADD CONSTRAINT operations_input_is_object CHECK (jsonb_typeof(input) = 'object'),
  ADD CONSTRAINT operations_end_has_date CHECK (
    (status IN ('succeeded', 'failed', 'compensated', 'cancelled')) = (finished_at IS NOT NULL)),
  ADD CONSTRAINT operations_attempt_positive CHECK (attempt >= 1);

ALTER TABLE registry_head
  ADD CONSTRAINT registry_head_is_one_row CHECK (id),
  ADD CONSTRAINT registry_head_not_negative CHECK (revision >= 0 AND position >= 0);

ALTER TABLE registry_change
  ADD CONSTRAINT registry_change_counts_from_one CHECK (revision >= 1 AND position >= 0);
