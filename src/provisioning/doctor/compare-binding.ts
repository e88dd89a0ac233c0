import { escapeLiteral } from 'pg';
import { isOfLostChange, isSameOwner } from '../fence/binding.js';
import type { StorageComparison } from './storage-comparison.js';

export interface RegistryHead {
  epoch: string;
  revision: bigint;
  /** See RegistrySnapshot. */
  began: bigint;
}

/** SQL that enqueues an operation in the registry; a worker then writes the binding again. */
function bindStatement(tenantId: string): string {
  return `in the registry's database SELECT registry_enqueue_binding('${tenantId}')`;
}

/**
 * Compares the binding in the guard with the registry. Returns "another" when the schema was replaced after it was bound: then
 * its contents are not this tenant's and are not compared.
 */
export function compareBinding(
  { storage, found, report }: StorageComparison,
  head: RegistryHead,
): 'same schema' | 'another' {
  const { schemaName, databaseName, tenantId, tenantSlug, module, generation } = storage;
  // A missing or unreadable guard is a finding of its own.
  if (!found.bindings) return 'same schema';
  const binding = found.bindings.get(schemaName);
  const schema = `Schema ${schemaName} in database ${databaseName}`;
  const row = `WHERE schema_name = ${escapeLiteral(schemaName)}`;
  if (!binding) {
    if (storage.bindingState !== undefined)
      report(
        'BINDING_MISSING',
        `${schema} of tenant ${tenantSlug} has no binding: the guard refuses every service.`,
        `Bind it: ${bindStatement(tenantId)}.`,
      );
    return 'same schema';
  }
  if (!isSameOwner(binding.owner, { tenantId, module })) {
    report(
      'BINDING_OTHER_OWNER',
      `${schema} belongs to tenant ${tenantSlug} (${module}) in the registry, but is bound to tenant ${binding.owner.tenantId}, module ${binding.owner.module}.`,
      `Check whose data the schema holds. If the registry is right, in database ${databaseName} DELETE FROM tenant_guard.binding ${row}, then ${bindStatement(tenantId)}.`,
    );
    return 'same schema';
  }
  if (!binding.isSameSchema) {
    report(
      'BINDING_OTHER_SCHEMA',
      `${schema} was replaced by another schema of that name after it was bound to tenant ${tenantSlug}.`,
      `Check what the schema holds. If it is a restored copy of the tenant's data, in database ${databaseName} UPDATE tenant_guard.binding SET schema_oid = (SELECT oid FROM pg_namespace WHERE nspname = schema_name) ${row}; UPDATE tenant_guard.schema_version SET schema_oid = (SELECT oid FROM pg_namespace WHERE nspname = schema_name) ${row}.`,
    );
    return 'another';
  }
  const { bindingState: state } = storage;
  if (state === undefined) return 'same schema';
  // Writing such a binding again would let services in that a change kept out which the registry has lost.
  if (isOfLostChange(binding, { generation, state, ...head })) {
    report(
      'BINDING_OF_LOST_CHANGE',
      `The guard has the ${module} storage of tenant ${tenantSlug} as ${binding.state}, generation ${binding.generation}, by revision ${binding.revision} of epoch ${binding.epoch}, which the registry lost: it has ${state}, generation ${generation}.`,
      'tenant-registry doctor --after-restore --repair keeps it closed: it suspends the subscription and gives it a later generation. Find out what was changed, then resumeSubscription or change it again.',
    );
    return 'same schema';
  }
  if (binding.generation !== generation)
    report(
      'BINDING_GENERATION_DIFFERS',
      `The route of tenant ${tenantSlug} to ${module} has generation ${generation}, but the guard admits generation ${binding.generation}.`,
      `Bind it again: ${bindStatement(tenantId)}.`,
    );
  if (binding.state !== state)
    report(
      'BINDING_STATE_DIFFERS',
      `The guard has the ${module} storage of tenant ${tenantSlug} as ${binding.state}, the registry as ${state}.`,
      `Bind it again: ${bindStatement(tenantId)}.`,
    );
  return 'same schema';
}

/** Reports a binding whose revision is higher than the registry's: no later state would ever replace it. */
export function compareRevision(
  { storage, found, report }: StorageComparison,
  { epoch, revision }: RegistryHead,
): void {
  const { schemaName, databaseName, tenantId, tenantSlug, module } = storage;
  const binding = found.bindings?.get(schemaName);
  if (storage.bindingState === undefined || !binding || !isSameOwner(binding.owner, { tenantId, module }))
    return;
  if (binding.epoch !== epoch || binding.revision <= revision) return;
  report(
    'BINDING_AHEAD',
    `The guard has revision ${binding.revision} for tenant ${tenantSlug}, but the registry is only at ${revision}: the guard ignores every change.`,
    `In database ${databaseName} UPDATE tenant_guard.binding SET revision = 0 WHERE schema_name = ${escapeLiteral(schemaName)}, then ${bindStatement(tenantId)}.`,
  );
}
