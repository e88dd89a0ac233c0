import { findExternalIds } from '../../profile/taken/taken-state.js';
import { loadRegisteredRows } from '../../provisioning/operations/registered-rows.js';
import type { CommandContext } from '../../registry/command.js';
import { storageNameOf } from '../../registry/modules/isolation.js';

/** The registry's tenants, subscriptions and names, read once for the whole import. */
export interface Registered {
  tenants: RegisteredTenant[];
  subscriptions: RegisteredSubscription[];
  /** Tenant id by "SCHEMA/name" or "DATABASE/name". */
  claims: ReadonlyMap<string, string>;
  /** Tenant id by external id, removed ones included. */
  externalIds: ReadonlyMap<string, string>;
}

export interface RegisteredTenant {
  id: string;
  slug: string;
  name: string;
  status: string;
}

export interface RegisteredSubscription {
  tenantId: string;
  moduleName: string;
  /** The schema, or the tenant's own database. */
  name: string;
  status: string;
  wasActive: boolean;
  /** True when the last operation on it was an adoption that failed. */
  adoptionFailed: boolean;
}

export async function readRegistered({ database }: CommandContext): Promise<Registered> {
  const { tenants, subscriptions, names, lastOperations } = await loadRegisteredRows(database);
  const externalIds = await findExternalIds(database);
  const adoptions = new Set(
    lastOperations
      .filter(({ kind }) => kind === 'adopt_storage')
      .map(({ tenantId, moduleName }) => `${tenantId}/${moduleName}`),
  );
  return {
    tenants,
    subscriptions: subscriptions.map(({ isolation, schemaName, databaseName, provisionedAt, ...own }) => ({
      ...own,
      name: storageNameOf({ isolation, schemaName, databaseName }),
      wasActive: provisionedAt !== null,
      adoptionFailed: adoptions.has(`${own.tenantId}/${own.moduleName}`),
    })),
    externalIds,
    claims: new Map(names.map(({ kind, name, tenantId }) => [`${kind}/${name}`, tenantId])),
  };
}
