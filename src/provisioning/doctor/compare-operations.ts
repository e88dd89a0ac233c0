import type { ExpectedStorage } from './expected.js';
import { worksOn } from './expected.js';
import { createObservation, type Observation } from './finding.js';
import type { OpenOperation, Wanted } from './wanted.js';

/** How long what is due may be left lying, in milliseconds. */
const overdueMs = 300_000;

/** How often something may fail for a reason that may pass before somebody should look. */
const manyAttempts = 10;

/** Work that should be under way and is not. */
export function compareOperations(wanted: Wanted, storages: readonly ExpectedStorage[]): Observation[] {
  const { operations, tenants, now } = wanted;
  return [
    ...operations.flatMap((operation) => compareOperation(operation, now)),
    ...storages.flatMap((storage) => findStuck(storage, wanted)),
    ...tenants.flatMap(({ id, slug, status, asOf }) => {
      const kinds = status === 'provisioning' ? ['provision_tenant', 'adopt_storage'] : ['purge_tenant'];
      if (operations.some(({ tenantId, kind }) => tenantId === id && kinds.includes(kind))) return [];
      const about = { tenantId: id, tenantSlug: slug, asOf };
      return status === 'provisioning'
        ? createObservation('TENANT_STUCK', about, {
            problem: `Tenant ${slug} is PROVISIONING, and no operation provisions it.`,
            remedy: `Retry its last one: query { tenant(id: "${id}") { subscriptions { history { id status } } } }, then retryOperation(input: { id: … }).`,
          })
        : createObservation('REMOVAL_OVERDUE', about, {
            problem: `The time of deleted tenant ${slug} is over, and its data still stands.`,
            remedy: `Start a worker (tenant-registry worker, or a gateway without WORKER=none), or purgeTenant(input: { tenantId: "${id}" }).`,
          });
    }),
  ];
}

function compareOperation(operation: OpenOperation, now: Date): Observation[] {
  const { id, kind, status, tenantId, tenantSlug, modules, error, attempt, runAfter, heardOfAt } = operation;
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
        problem: `${name} stopped and needs somebody to look at it${because}.`,
        remedy: `Mend what its error names, then retryOperation(input: { id: "${id}" }).`,
      }),
    ];
  const since = status === 'queued' ? runAfter : (heardOfAt ?? runAfter);
  const isLeftLying = since.getTime() < now.getTime() - overdueMs;
  const isTriedInVain = status === 'queued' && attempt >= manyAttempts && error !== null;
  if (!isLeftLying && !isTriedInVain) return [];
  return [
    createObservation('OPERATION_OVERDUE', about, {
      problem: isLeftLying
        ? `${name} is ${status}, and nobody has worked on it since ${since.toISOString()}${because}.`
        : `${name} has failed ${attempt - 1} times and is tried again${because}.`,
      remedy: isLeftLying
        ? 'Start a worker: tenant-registry worker, or a gateway without WORKER=none.'
        : 'Mend what its error names: it goes on by itself.',
    }),
  ];
}

function findStuck(storage: ExpectedStorage, { operations, now }: Wanted): Observation[] {
  const { tenantId, tenantSlug, tenantStatus, module, status, asOf } = storage;
  const { provisionedAt, purgeAfter, storageRemovedAt } = storage;
  if (operations.some((operation) => worksOn(operation, storage))) return [];
  const { databaseName: database, schemaName: schema } = storage;
  const about = { tenantId, tenantSlug, module, database, schema, asOf };
  if (status === 'provisioning' || status === 'deprovisioning')
    return [
      createObservation('SUBSCRIPTION_STUCK', about, {
        problem: `The ${module} subscription of tenant ${tenantSlug} is ${status.toUpperCase()}, and no operation works on it.`,
        remedy: `Retry its last one: query { tenant(id: "${tenantId}") { subscriptions { module { name } history { id status } } } }, then retryOperation(input: { id: … }).`,
      }),
    ];
  const isDue = purgeAfter !== null && purgeAfter.getTime() < now.getTime() - overdueMs;
  if (status !== 'cancelled' || !isDue || !provisionedAt || storageRemovedAt || tenantStatus === 'purged')
    return [];
  return [
    createObservation('REMOVAL_OVERDUE', about, {
      problem: `The ${module} data of tenant ${tenantSlug} was to be removed after ${purgeAfter.toISOString()}, and still stands.`,
      remedy: 'Start a worker: tenant-registry worker, or a gateway without WORKER=none.',
    }),
  ];
}
