/**
 * The codes and their severities. error: something is, or soon will be, wrongly refused, wrongly admitted, or lost.
 * warning: nothing fails today, but an operator should clean up.
 */
const severityByCode = {
  // About a whole database.
  MODULE_NOT_READY: 'error',
  MODULE_NOT_CONFIGURED: 'warning',
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
  // About a tenant's storage.
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
  MIGRATION_VERSION_DIFFERS: 'warning',
  VERSION_TABLE_MISSING: 'error',
  VERSION_TABLE_OTHER_OWNER: 'error',
  DATABASE_OWNER_WRONG: 'error',
  SCHEMA_OWNER_WRONG: 'error',
  TABLE_OWNER_WRONG: 'error',
  SCHEMA_OPEN_TO_PUBLIC: 'error',
  SCHEMA_OPEN_TO_OTHERS: 'error',
  ACCESS_GRANT_MISSING: 'error',
  // About storage that the registry does not know.
  SCHEMA_WITHOUT_ROW: 'warning',
  DATABASE_WITHOUT_ROW: 'warning',
  BINDING_LEFT_BEHIND: 'warning',
  BUILDING_LEFT_BEHIND: 'warning',
  // About the registry.
  COUNTS_WRONG: 'warning',
  // About operations.
  OPERATION_NEEDS_ATTENTION: 'error',
  OPERATION_OVERDUE: 'error',
  SUBSCRIPTION_STUCK: 'error',
  TENANT_STUCK: 'error',
  REMOVAL_OVERDUE: 'error',
} as const;

export type FindingCode = keyof typeof severityByCode;
type Severity = (typeof severityByCode)[FindingCode];

/** The tenant, module, database, schema and operation that a finding is about; null where it is about none or several. */
export interface Subject {
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  database: string | null;
  schema: string | null;
  operationId: string | null;
}

export interface Finding extends Subject {
  /** Never renamed: scripts may rely on it. */
  code: FindingCode;
  severity: Severity;
  /** One sentence that says what differs. */
  problem: string;
  /** The command, mutation or SQL with which the operator repairs it. */
  remedy: string;
}

/** A finding of one examination. A second examination must confirm it before it is reported. */
export interface Observation extends Finding {
  /** Versions of the rows that it was derived from. */
  asOf: string;
}

const noSubject: Subject = {
  ...{ tenantId: null, tenantSlug: null, module: null, database: null, schema: null, operationId: null },
};

export function createObservation(
  code: FindingCode,
  about: Partial<Subject> & { asOf?: string },
  { problem, remedy }: { problem: string; remedy: string },
): Observation {
  const { asOf = '', ...subject } = about;
  return { code, severity: severityByCode[code], ...noSubject, ...subject, problem, remedy, asOf };
}

/** Equal in two examinations for the same finding, unless the rows that it is about changed in between. */
export function identityOf(observation: Observation): string {
  const { code, tenantId, module, database, schema, operationId, asOf } = observation;
  return JSON.stringify([code, tenantId, module, database, schema, operationId, asOf]);
}
