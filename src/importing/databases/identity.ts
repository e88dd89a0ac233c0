import type { RowProblem } from '../platform/table-shape.js';
import type { PlacedTenant, StorageNamed } from './legacy-tenant.js';
import type { RegisteredTenant } from './registered-tenants.js';

/**
 * A tenant as one source describes it: the registry, an old table, the map, the schema itself, or only the schema's
 * name.
 */
export interface Identity {
  id: string | undefined;
  slug: string | undefined;
  name: string | undefined;
  /** Source of the id: "registry", "map", "tenant_registry in finance", "schema_version", "new". */
  from: string;
  registered: RegisteredTenant | undefined;
  suspendedReason: string | undefined;
  /** The modules that the tenant may use, if a table lists them. */
  modules: Set<string> | undefined;
  names: StorageNamed[];
  /** Its rows in old tables. */
  rows: PlacedTenant[];
  /** Ids of old tables besides the UUID and the slug. */
  externalIds: Set<string>;
  /** Whether an old table says that it is deleted. */
  isDeleted: boolean;
  /** Ids of old tables that the registry cannot keep. */
  notes: RowProblem[];
  /** The reason why the tenant cannot be taken over, with the way out. */
  problem: string | undefined;
}

export interface Identities {
  all: Identity[];
  /** Identities by the schema or database that the map assigns to them. */
  mapped: Map<string, Identity>;
  byId: Map<string, Identity>;
  byKey: Map<string, Identity[]>;
}

export function createIdentity(fields: Partial<Identity> & Pick<Identity, 'from'>): Identity {
  const { id, slug, name, registered, suspendedReason, modules, problem, from } = fields;
  const { names = [], rows = [], externalIds = new Set(), isDeleted = false, notes = [] } = fields;
  return {
    ...{ id, slug, name, registered, suspendedReason, modules, names, problem, from },
    ...{ rows, externalIds, isDeleted, notes },
  };
}
