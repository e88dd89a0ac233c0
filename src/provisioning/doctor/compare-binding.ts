import { escapeLiteral } from 'pg';
import { isSameOwner } from '../fence/binding.js';
import type { StorageComparison } from './storage-comparison.js';

/** In the registry's database, for a worker to take up. */
function followStatement(tenantId: string): string {
  return `in the registry's database SELECT registry_enqueue_binding('${tenantId}')`;
}

/**
 * The binding in the guard against what the registry says; "another" when the schema under the name is not the one that
 * was bound, so that nothing in it is this tenant's.
 */
export function compareBinding({ storage, found, report }: StorageComparison): 'same schema' | 'another' {
  const { schemaName, databaseName, tenantId, tenantSlug, module, generation } = storage;
  // The guard itself is missing or closed to us, which is a finding of its own.
  if (!found.bindings) return 'same schema';
  const binding = found.bindings.get(schemaName);
  const schema = `Schema ${schemaName} in database ${databaseName}`;
  const row = `WHERE schema_name = ${escapeLiteral(schemaName)}`;
  if (!binding) {
    if (storage.bindingState !== undefined)
      report(
        'BINDING_MISSING',
        `${schema} of tenant ${tenantSlug} is not bound: the guard lets nobody in.`,
        `Have it bound: ${followStatement(tenantId)}.`,
      );
    return 'same schema';
  }
  if (!isSameOwner(binding.owner, { tenantId, module })) {
    report(
      'BINDING_OTHER_OWNER',
      `${schema} is tenant ${tenantSlug}'s (${module}) in the registry, but bound to tenant ${binding.owner.tenantId}, module ${binding.owner.module}.`,
      `Find out whose data it holds; if the registry is right, in database ${databaseName} DELETE FROM tenant_guard.binding ${row}, then ${followStatement(tenantId)}.`,
    );
    return 'same schema';
  }
  if (!binding.isSameSchema) {
    report(
      'BINDING_OTHER_SCHEMA',
      `${schema} is not the one that was bound to tenant ${tenantSlug}: somebody has put another in its place.`,
      `Find out what it holds; if it is a restored copy, in database ${databaseName} UPDATE tenant_guard.binding SET schema_oid = (SELECT oid FROM pg_namespace WHERE nspname = schema_name) ${row}.`,
    );
    return 'another';
  }
  const { bindingState: state } = storage;
  if (state === undefined) return 'same schema';
  if (binding.generation !== generation)
    report(
      'BINDING_GENERATION_DIFFERS',
      `The route of tenant ${tenantSlug} to ${module} is of generation ${generation}, its guard lets generation ${binding.generation} in.`,
      `Have it bound again: ${followStatement(tenantId)}.`,
    );
  if (binding.state !== state)
    report(
      'BINDING_STATE_DIFFERS',
      `The guard says ${binding.state} of the ${module} storage of tenant ${tenantSlug}, the registry ${state}.`,
      `Have it bound again: ${followStatement(tenantId)}.`,
    );
  return 'same schema';
}

/** A binding from the future, which no true state will ever replace. */
export function compareRevision(
  { storage, found, report }: StorageComparison,
  { epoch, revision }: { epoch: string; revision: bigint },
): void {
  const { schemaName, databaseName, tenantId, tenantSlug, module } = storage;
  const binding = found.bindings?.get(schemaName);
  if (storage.bindingState === undefined || !binding || !isSameOwner(binding.owner, { tenantId, module }))
    return;
  if (binding.epoch !== epoch || binding.revision <= revision) return;
  report(
    'BINDING_AHEAD',
    `The guard knows revision ${binding.revision} of tenant ${tenantSlug}, the registry is at ${revision}: it follows nothing any more.`,
    `In database ${databaseName} UPDATE tenant_guard.binding SET revision = 0 WHERE schema_name = ${escapeLiteral(schemaName)}, then ${followStatement(tenantId)}.`,
  );
}
