import { identifier } from '../../database/identifier.js';
import { RegistryError } from '../../errors.js';
import { type Isolation, readIsolation } from '../modules/isolation.js';
import { formatRevision, type Revision } from '../revision.js';

/** The tenant, by id, slug or external id, and the module to resolve. */
export interface RouteKey {
  reference: string;
  module: string;
}

/** One row of the resolution query: the registry's state for a tenant and a module. */
export interface RouteFacts {
  tenantId: string | null;
  tenantSlug: string | null;
  /** The external id in the key; null when the tenant was found by its id or slug, or not at all. */
  externalId: string | null;
  tenantStatus: string | null;
  /** Of the tenant's suspension, else of the subscription's. */
  suspendedReason: string | null;
  moduleExists: boolean;
  subscriptionStatus: string | null;
  isolation: Lowercase<Isolation> | null;
  databaseName: string | null;
  schemaName: string | null;
  generation: number | null;
  /** Newest migration that ran in the storage. */
  migrationVersion: string | null;
}

/** The location of a tenant's data of a module. */
export interface Route {
  tenantId: string;
  tenantSlug: string;
  /** External id by which the tenant was requested; null for its id or slug. */
  externalId: string | null;
  module: string;
  schemaName: string;
  /** Quoted for SET LOCAL search_path. The tenant's schema alone, so that no name resolves to schema public. */
  searchPath: string;
  databaseName: string;
  isolation: Isolation;
  generation: number;
  /** Newest migration that ran in the storage; null for storage that the registry did not migrate. */
  migrationVersion: string | null;
  revision: string;
  leaseRemainingMs: number;
}

/** A route, or the reason why there is none. Refusals are values and not exceptions, because a batch has one result per key. */
export type Resolution = Route | RegistryError;

/** OK or the code of the refusal. */
export function outcomeOf(resolution: Resolution): string {
  return resolution instanceof RegistryError ? resolution.code : 'OK';
}

/** The revision at which the facts were read, and how long they may be used. */
export interface ReadAs {
  revision: Revision;
  leaseRemainingMs: number;
}

/** Returns the route or the first refusal that matches. The order of refusals is part of the contract. */
export function decideRoute({ reference, module }: RouteKey, facts: RouteFacts, read: ReadAs): Resolution {
  const { tenantStatus } = facts;
  if (!facts.tenantId || !facts.tenantSlug || tenantStatus === null || tenantStatus === 'purged')
    return tenantNotFound(reference);
  // Without a subscription the caller's module has no business with the tenant: the refusal names it as the caller did and
  // repeats nothing of it.
  const isStranger = facts.subscriptionStatus === null;
  const tenant = `Tenant ${isStranger ? reference : facts.tenantSlug}`;
  if (tenantStatus === 'deleted')
    return new RegistryError(
      'TENANT_DELETED',
      `${tenant} is deleted: restoreTenant restores it until its purge date`,
    );
  if (tenantStatus === 'suspended')
    return new RegistryError(
      'TENANT_SUSPENDED',
      isStranger
        ? `${tenant} is suspended`
        : `${tenant} is suspended: ${facts.suspendedReason ?? 'no reason given'}`,
    );
  if (tenantStatus !== 'active')
    return new RegistryError('TENANT_NOT_READY', `${tenant} is ${tenantStatus}, not active yet`);
  if (!facts.moduleExists) return moduleNotFound(module);
  const status = facts.subscriptionStatus;
  if (status === null || status === 'cancelled' || status === 'deprovisioning')
    return new RegistryError('MODULE_NOT_SUBSCRIBED', `${tenant} is not subscribed to module ${module}`);
  if (status === 'suspended')
    return new RegistryError(
      'TENANT_SUSPENDED',
      `The subscription of tenant ${facts.tenantSlug} to ${module} is suspended${facts.suspendedReason === null ? '' : `: ${facts.suspendedReason}`}`,
    );
  if (status === 'migrating')
    return new RegistryError(
      'SCHEMA_MIGRATING',
      `The ${module} data of tenant ${facts.tenantSlug} is being moved: repeat the request in a moment`,
    );
  if (
    status !== 'active' ||
    !facts.schemaName ||
    !facts.databaseName ||
    !facts.isolation ||
    !facts.generation
  )
    return new RegistryError(
      'TENANT_NOT_READY',
      `The ${module} storage of tenant ${facts.tenantSlug} is ${status}, not active yet`,
    );
  return {
    tenantId: facts.tenantId,
    tenantSlug: facts.tenantSlug,
    externalId: facts.externalId,
    module,
    schemaName: facts.schemaName,
    searchPath: identifier(facts.schemaName),
    databaseName: facts.databaseName,
    isolation: readIsolation(facts.isolation),
    generation: facts.generation,
    migrationVersion: facts.migrationVersion,
    revision: formatRevision(read.revision),
    leaseRemainingMs: read.leaseRemainingMs,
  };
}

export function moduleNotFound(name: string): RegistryError {
  return new RegistryError('MODULE_NOT_FOUND', `No module is named "${name}"; registerModule adds one`);
}

export function tenantNotFound(reference: string): RegistryError {
  return new RegistryError('TENANT_NOT_FOUND', `No tenant has the id, slug or external id "${reference}"`);
}
