import { createHash } from 'node:crypto';

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
  BINDING_OF_LOST_CHANGE: 'error',
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
  // About the structure of a tenant's schema, beside what the module's files make.
  STRUCTURE_MISSING: 'error',
  STRUCTURE_DIFFERS: 'warning',
  STRUCTURE_EXTRA: 'warning',
  INDEX_INVALID: 'warning',
  GRANTS_DIFFER: 'warning',
  STRUCTURE_NOT_COMPARED: 'warning',
  // About storage that the registry does not know.
  SCHEMA_WITHOUT_ROW: 'warning',
  DATABASE_WITHOUT_ROW: 'warning',
  BINDING_LEFT_BEHIND: 'warning',
  BUILDING_LEFT_BEHIND: 'warning',
  // About the registry.
  COUNTS_WRONG: 'warning',
  CHANGE_LOST: 'warning',
  REPLICATION_ASYNCHRONOUS: 'warning',
  REPLICATION_NOT_VISIBLE: 'warning',
  COMMIT_NOT_SYNCHRONOUS: 'warning',
  // About operations.
  OPERATION_NEEDS_ATTENTION: 'error',
  OPERATION_OVERDUE: 'error',
  SUBSCRIPTION_STUCK: 'error',
  TENANT_STUCK: 'error',
  REMOVAL_OVERDUE: 'error',
} as const;

export type FindingCode = keyof typeof severityByCode;
type Severity = (typeof severityByCode)[FindingCode];

// Object.keys knows no key types; the record has exactly these.
export const findingCodes = Object.keys(severityByCode) as FindingCode[];

/** The tenant, module, database, schema and operation that a finding is about; null where it is about none or several. */
export interface Subject {
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  database: string | null;
  schema: string | null;
  operationId: string | null;
}

/** The part of a schema that a finding is about, with the definition that it should have and the one that it has. */
export interface FoundPart {
  /** "column"; null: the finding is about no part. */
  objectKind: string | null;
  /** "invoice.number" */
  objectName: string | null;
  /** null: the module's files do not make it. */
  expected: string | null;
  /** null: it does not exist. */
  found: string | null;
}

export interface Finding extends Subject, FoundPart {
  /** UUID, equal in every examination that finds the same fault of the same object. */
  id: string;
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
  /** Equal for the same difference: another one of the same object has another content. */
  content: string;
}

const noSubject: Subject = {
  ...{ tenantId: null, tenantSlug: null, module: null, database: null, schema: null, operationId: null },
};

const noPart: FoundPart = { objectKind: null, objectName: null, expected: null, found: null };

/** The remedy of a finding; commands that repair it name its id. */
export type Remedy = string | ((id: string) => string);

export function createObservation(
  code: FindingCode,
  about: Partial<Subject> & { asOf?: string },
  { problem, remedy }: { problem: string; remedy: Remedy },
  { content = problem, ...part }: Partial<FoundPart> & { content?: string } = {},
): Observation {
  const { asOf = '', ...subject } = about;
  const finding = { code, ...noSubject, ...subject, ...noPart, ...part };
  const id = findingId(finding);
  return {
    id,
    severity: severityByCode[code],
    ...finding,
    ...{ problem, remedy: typeof remedy === 'string' ? remedy : remedy(id), asOf },
    content: createHash('sha256').update(content).digest('hex'),
  };
}

type Identified = Subject & FoundPart & { code: FindingCode };

/** A UUID of version 8, made of the fault and the object alone, so that every process gives a finding the same id. */
function findingId({
  code,
  tenantId,
  module,
  database,
  schema,
  operationId,
  objectKind,
  objectName,
}: Identified): string {
  const identity = JSON.stringify([
    code,
    tenantId,
    module,
    database,
    schema,
    operationId,
    objectKind,
    objectName,
  ]);
  const hex = createHash('sha256').update(identity).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Equal in two examinations for the same finding, unless the rows that it is about changed in between. */
export function identityOf({ id, asOf }: Observation): string {
  return `${id} ${asOf}`;
}
