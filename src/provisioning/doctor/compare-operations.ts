import type { ExpectedStorage } from './expected-storage.js';
import { worksOn } from './expected-storage.js';
import { createObservation, type Observation } from './finding.js';
import type { OpenOperation, RegistrySnapshot } from './registry-snapshot.js';

/** How long due work may wait before it is reported, in milliseconds. */
const overdueMs = 300_000;

/** How many runs may fail with a transient error before the operation is reported. */
const manyRuns = 9;

/** Finds operations that wait too long, and subscriptions and tenants that no operation works on. */
export function compareOperations(
  registry: RegistrySnapshot,
  storages: readonly ExpectedStorage[],
): Observation[] {
  const { operations, tenants, now } = registry;
  return [
    ...operations.flatMap((operation) => compareOperation(operation, now)),
    ...storages.flatMap((storage) => findStuck(storage, registry)),
    ...tenants.flatMap(({ id, slug, status, asOf }) => {
      const kinds = status === 'provisioning' ? ['provision_tenant', 'adopt_storage'] : ['purge_tenant'];
      if (operations.some(({ tenantId, kind }) => tenantId === id && kinds.includes(kind))) return [];
      const about = { tenantId: id, tenantSlug: slug, asOf };
      return status === 'provisioning'
        ? createObservation('TENANT_STUCK', about, {
            problem: `Tenant ${slug} is PROVISIONING, but no operation provisions it.`,
            remedy: `Retry its last operation: query { tenant(id: "${id}") { subscriptions { history { edges { node { status operation { id } } } } } } }, then retryOperation(input: { id: … }).`,
          })
        : createObservation('REMOVAL_OVERDUE', about, {
            problem: `Tenant ${slug} is deleted and its purge date has passed, but its data still exists.`,
            remedy: `Start a worker (tenant-registry worker, or a gateway without WORKER=none), or purgeTenant(input: { tenantId: "${id}" }).`,
          });
    }),
  ];
}

function compareOperation(operation: OpenOperation, now: Date): Observation[] {
  const { id, kind, status, tenantId, tenantSlug, modules, error, runs, runAfter, heartbeatAt } = operation;
  const name = `Operation ${id} (${kind.replaceAll('_', ' ')}, tenant ${tenantSlug ?? 'none'})`;
  const about = {
    tenantId,
    tenantSlug,
    module: modules.length === 1 ? (modules[0] ?? null) : null,
    operationId: id,
  };
  const because = error ? `: ${error}` : '';
  if (status === 'needs_attention')
    return [
      createObservation('OPERATION_NEEDS_ATTENTION', about, {
        problem: `${name} stopped and needs an operator's attention${because}.`,
        remedy: `Remove the cause of its error, then retryOperation(input: { id: "${id}" }).`,
      }),
    ];
  const since = status === 'queued' ? runAfter : (heartbeatAt ?? runAfter);
  const isAbandoned = since.getTime() < now.getTime() - overdueMs;
  const failsRepeatedly = status === 'queued' && runs >= manyRuns && error !== null;
  if (!isAbandoned && !failsRepeatedly) return [];
  return [
    createObservation('OPERATION_OVERDUE', about, {
      problem: isAbandoned
        ? `${name} is ${status}, and no worker has worked on it since ${since.toISOString()}${because}.`
        : `${name} has failed ${runs} times and will be retried${because}.`,
      remedy: isAbandoned
        ? 'Start a worker: tenant-registry worker, or a gateway without WORKER=none.'
        : 'Remove the cause of its error; the next retry then succeeds.',
    }),
  ];
}

function findStuck(storage: ExpectedStorage, { operations, now }: RegistrySnapshot): Observation[] {
  const { tenantId, tenantSlug, tenantStatus, module, status, asOf } = storage;
  const { provisionedAt, purgeAfter, storageRemovedAt } = storage;
  if (operations.some((operation) => worksOn(operation, storage))) return [];
  const { databaseName: database, schemaName: schema } = storage;
  const about = { tenantId, tenantSlug, module, database, schema, asOf };
  if (status === 'provisioning' || status === 'deprovisioning')
    return [
      createObservation('SUBSCRIPTION_STUCK', about, {
        problem: `The ${module} subscription of tenant ${tenantSlug} is ${status.toUpperCase()}, but no operation works on it.`,
        remedy: `Retry its last operation: query { tenant(id: "${tenantId}") { subscriptions { module { name } history { edges { node { status operation { id } } } } } } }, then retryOperation(input: { id: … }).`,
      }),
    ];
  const isDue = purgeAfter !== null && purgeAfter.getTime() < now.getTime() - overdueMs;
  if (status !== 'cancelled' || !isDue || !provisionedAt || storageRemovedAt || tenantStatus === 'purged')
    return [];
  return [
    createObservation('REMOVAL_OVERDUE', about, {
      problem: `The ${module} data of tenant ${tenantSlug} should have been removed after ${purgeAfter.toISOString()}, but still exists.`,
      remedy: 'Start a worker: tenant-registry worker, or a gateway without WORKER=none.',
    }),
  ];
}
