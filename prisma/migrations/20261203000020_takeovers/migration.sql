-- Takeovers: digests of what imports have taken over of each tenant, so that the next import tells an edit of an older platform from one in the registry.

CREATE TABLE "takeovers" (
    "tenant_id" UUID NOT NULL,
    "memory" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "takeovers_pkey" PRIMARY KEY ("tenant_id")
);
ALTER TABLE "takeovers" ADD CONSTRAINT "takeovers_tenant_id_fkey"
  FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

SELECT registry_protect_rows('takeovers');

COMMENT ON TABLE takeovers IS 'Memory of imports: what they have taken over of each tenant of an older platform, by which the next import tells an edit of the platform from one in the registry. Written by import databases; not part of the change log. A purge deletes the row.';
COMMENT ON COLUMN takeovers.tenant_id IS 'Tenant that was taken over.';
COMMENT ON COLUMN takeovers.memory IS 'JSON with digests of values by the path of their field: taken (values that the registry got), seen (values of each table and file), statusChanges (number of changes of the status that were taken over).';
COMMENT ON COLUMN takeovers.updated_at IS 'Time at which an import last wrote the row.';
COMMENT ON CONSTRAINT takeovers_tenant_id_fkey ON takeovers IS 'The memory belongs to a tenant of the registry.';
