/**
 * What can be wrong, and how bad it is. error: something is refused, let in or lost that should not be, or will be.
 * warning: nothing is today, but somebody should tidy up.
 */
const severityByCode = {
  // A database as a whole.
  DATABASE_UNREACHABLE: 'error',
  GRANT_MISSING: 'error',
  MODULE_ROLE_NOT_GRANTED: 'warning',
  MODULE_WITHOUT_MIGRATIONS: 'warning',
  GUARD_MISSING: 'error',
  GUARD_DAMAGED: 'error',
  GUARD_OUTDATED: 'warning',
  GUARD_OWNER_WRONG: 'error',
  GUARD_OPEN_TO_OTHERS: 'error',
  GUARD_GRANT_MISSING: 'error',
  // A tenant's storage.
  SCHEMA_MISSING: 'error',
  DATABASE_MISSING: 'error',
  STORAGE_NOT_REMOVED: 'error',
  STORAGE_LEFT_BEHIND: 'warning',
  BINDING_MISSING: 'error',
  BINDING_OTHER_OWNER: 'error',
  BINDING_OTHER_SCHEMA: 'error',
  BINDING_GENERATION_DIFFERS: 'error',
  BINDING_STATE_DIFFERS: 'error',
  BINDING_AHEAD: 'error',
  MIGRATIONS_MISSING: 'warning',
  MIGRATION_EDITED: 'error',
  MIGRATION_UNKNOWN: 'warning',
  VERSION_TABLE_MISSING: 'error',
  VERSION_TABLE_UNREADABLE: 'error',
  VERSION_TABLE_OTHER_OWNER: 'error',
  DATABASE_OWNER_WRONG: 'error',
  SCHEMA_OWNER_WRONG: 'error',
  TABLE_OWNER_WRONG: 'error',
  SCHEMA_OPEN_TO_PUBLIC: 'error',
  // What stands and the registry does not know.
  SCHEMA_WITHOUT_ROW: 'warning',
  DATABASE_WITHOUT_ROW: 'warning',
  BINDING_LEFT_BEHIND: 'warning',
  BUILDING_LEFT_BEHIND: 'warning',
  // Work.
  OPERATION_NEEDS_ATTENTION: 'error',
  OPERATION_OVERDUE: 'error',
  SUBSCRIPTION_STUCK: 'error',
  TENANT_STUCK: 'error',
  REMOVAL_OVERDUE: 'error',
} as const;

export type FindingCode = keyof typeof severityByCode;
type Severity = (typeof severityByCode)[FindingCode];

/** What a finding is about, as far as that is one tenant's, one module's, one place's. */
export interface Subject {
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  database: string | null;
  schema: string | null;
  operationId: string | null;
}

export interface Finding extends Subject {
  /** Stable, for scripts. */
  code: FindingCode;
  severity: Severity;
  /** One sentence. */
  problem: string;
  /** One sentence with the command, mutation or SQL. */
  remedy: string;
}

/** A finding, and the version of the rows it was seen by: when that changes meanwhile, it is looked at anew. */
export interface Observation extends Finding {
  asOf: string;
}

const nothing: Subject = {
  ...{ tenantId: null, tenantSlug: null, module: null, database: null, schema: null, operationId: null },
};

export function createObservation(
  code: FindingCode,
  about: Partial<Subject> & { asOf?: string },
  { problem, remedy }: { problem: string; remedy: string },
): Observation {
  const { asOf = '', ...subject } = about;
  return { code, severity: severityByCode[code], ...nothing, ...subject, problem, remedy, asOf };
}

/** Equal for what is the same finding in two looks, if nothing that it is about has changed between them. */
export function identityOf(observation: Observation): string {
  const { code, tenantId, module, database, schema, operationId, asOf } = observation;
  return JSON.stringify([code, tenantId, module, database, schema, operationId, asOf]);
}
