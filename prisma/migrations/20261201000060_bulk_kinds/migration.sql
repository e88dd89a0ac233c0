-- Kinds of operations that change many tenants. New values of an enum cannot be used in the transaction that adds them.

ALTER TYPE "operation_kind" ADD VALUE 'suspend_tenants';
ALTER TYPE "operation_kind" ADD VALUE 'resume_tenants';
ALTER TYPE "operation_kind" ADD VALUE 'subscribe_tenants';
ALTER TYPE "operation_kind" ADD VALUE 'update_tenants';

COMMENT ON COLUMN operations.kind IS 'Purpose of the operation: subscribe_tenant, provision_module, provision_tenant, mark_module_provisioned, adopt_storage, bind_storage (updates the guards), remove_storage (of a cancelled subscription), purge_tenant, or one of suspend_tenants, resume_tenants, subscribe_tenants and update_tenants, which have a result for each of their tenants in operation_tenants.';
