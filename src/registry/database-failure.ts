import { RegistryError } from '../errors.js';

/** PostgreSQL's error, without the wrappers of Prisma and its driver adapter. */
interface DatabaseFailure {
  code: string;
  message: string;
  constraint: string | undefined;
}

/** Constraints and rules of the database that a request can violate, with the error for the caller. */
const errorByConstraint: Readonly<Record<string, (message: string) => RegistryError>> = {
  tenants_pkey: () => taken('id', 'A tenant with this id already exists: omit the id, or use that tenant'),
  tenants_slug_is_no_external_id: () =>
    taken('slug', 'This slug is an external id of another tenant: choose another slug'),
  tenant_external_ids_pkey: () =>
    taken('externalId', 'Another tenant has this external id, or had it: names stay with their tenant'),
  tenant_external_ids_is_no_slug: () =>
    taken('externalId', 'A tenant has this slug: an external id must differ from every slug'),
  tenant_external_ids_limit: () =>
    taken('externalId', 'The tenant has as many external ids as it can have, removed ones included'),
  tenants_slug_key: () => taken('slug', 'A tenant with this slug already exists: choose another slug'),
  // Only where both are written at the same time.
  tenants_legacy_id_key: () =>
    taken('slug', 'The slug of one tenant is an external id of another: choose another slug, or external id'),
  modules_pkey: () =>
    taken('name', 'A module with this name already exists: choose another name, or use updateModule'),
  storage_names_pkey: (message) => taken('schemaName', `${message}: choose another name`),
  modules_in_use: (message) => new RegistryError('CONFLICT', message),
  tenants_config_without_secrets: (message) => new RegistryError('SECRET_IN_CONFIG', message),
  module_subscriptions_tenant_id_module_key: () =>
    new RegistryError('CONFLICT', 'The tenant is already subscribed to this module'),
};

/** The translated constraints, which a test compares with those in the database. */
export const translatedConstraints = Object.keys(errorByConstraint);

/** Translates a database error into an expected failure; returns undefined when it is not one. */
export function asRegistryError(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error;
  const failure = findDatabaseFailure(error);
  if (!failure) return undefined;
  const trouble = findTrouble(failure);
  if (trouble) return new RegistryError('REGISTRY_UNAVAILABLE', trouble.message, { cause: error });
  return errorByConstraint[failure.constraint ?? '']?.(failure.message);
}

/** A failure of the database that is no fault of the request. The caller gets REGISTRY_UNAVAILABLE with this message. */
interface Trouble {
  /** SQLSTATEs and their classes, and codes of Prisma and Node.js; never words, which depend on the server's language. */
  states: RegExp;
  message: string;
  /** Whether the same work is worth a retry: wrong passwords and missing databases are not. */
  passes: boolean;
}

const unreachable: Trouble = {
  states:
    /^(08|57P0[1-5]|25P0[34]|53300|ECONN|ERR_STREAM|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOST|ENET|ConnectionClosed|DatabaseNotReachable|SocketTimeout|P1001|P1002|P1008|P1017|P2024|P2028)/,
  message: 'The registry database is not available; try again shortly',
  passes: true,
};

const troubles: readonly Trouble[] = [
  unreachable,
  { ...unreachable, states: /^(28|3D000)/, passes: false },
  {
    states: /^25006/,
    message: 'The registry database is read-only at present; try again when it accepts changes',
    passes: false,
  },
  {
    states: /^55P03/,
    message:
      'Another session keeps a lock in the registry database, so the change waited in vain; try again shortly. ' +
      'The operator finds that session with pg_blocking_pids()',
    passes: true,
  },
  {
    states: /^57014/,
    message:
      'The registry database did not answer in time and the statement was cancelled; try again shortly',
    passes: true,
  },
  {
    states: /^(53|58)/,
    message:
      'The registry database has no space, memory or files left; try again when the operator has made room',
    passes: true,
  },
  {
    states: /^(40001|40P01|P2034|TransactionWriteConflict)/,
    message: 'Other changes of the same rows came first each time; try again shortly',
    passes: true,
  },
];

/** Failures that the driver reports itself, in its own words and without a code. */
const driverLost =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable/;

function findTrouble({ code, message }: DatabaseFailure): Trouble | undefined {
  return (
    troubles.find(({ states }) => states.test(code)) ?? (driverLost.test(message) ? unreachable : undefined)
  );
}

/** Whether two transactions collided, so that the same work can succeed when it is repeated. */
function isTransactionCollision(error: unknown): boolean {
  return ['40001', '40P01', 'P2034'].includes(findDatabaseFailure(error)?.code ?? '');
}

/** Whether the work has waited in vain for locks or rows that other sessions hold, or lost a collision with them each time. */
export function isKeptWaiting(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/^(55P03|57014|40001|40P01|P2034)/.test(findDatabaseFailure(error)?.code ?? '')) return true;
  return error.cause !== undefined && isKeptWaiting(error.cause);
}

/**
 * Whether an error is transient, so that the same work is worth a retry: a lost connection, a starting server, a lock
 * timeout. Wrong passwords, missing databases and broken migrations are not transient.
 */
export function mayPass(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(mayPass);
  if (!(error instanceof Error)) return false;
  if (error instanceof RegistryError && error.code !== 'REGISTRY_UNAVAILABLE') return false;
  const failure = findDatabaseFailure(error);
  if (failure?.code === '55006') return true;
  if (failure && findTrouble(failure)?.passes) return true;
  return error.cause !== undefined && mayPass(error.cause);
}

function taken(field: string, message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}

const maxAttempts = 4;

/** Repeats a transaction that lost a collision (deadlock, serialization failure), at most three times. */
export async function retryCollisions<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await transaction();
    } catch (error) {
      if (!isTransactionCollision(error) || attempt === maxAttempts) throw error;
    }
}

function findDatabaseFailure(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  // Prisma: meta.driverAdapterError.cause; the adapter alone: cause; pg: the error itself.
  const adapterCause = read(read(read(error, 'meta'), 'driverAdapterError'), 'cause') ?? ownCause(error);
  // An error of the connection itself has a kind and no code.
  const code = String(
    read(adapterCause, 'originalCode') ??
      read(adapterCause, 'code') ??
      read(adapterCause, 'kind') ??
      read(error, 'code') ??
      '',
  );
  const message = String(
    read(adapterCause, 'originalMessage') ?? read(adapterCause, 'message') ?? error.message,
  );
  const constraint =
    read(error, 'constraint') ??
    read(read(adapterCause, 'constraint'), 'index') ??
    findNamedConstraint(message);
  return { code, message, constraint: constraint === undefined ? undefined : String(constraint) };
}

/** Prisma leaves out the constraint of a CHECK. Its name is in the message, in the quotation marks of the server's language, in French with spaces inside. */
function findNamedConstraint(message: string): string | undefined {
  const quoted = [...message.matchAll(/["„“«»]\s?([a-z_]+)\s?["“”«»]/g)].map(([, name]) => name);
  return translatedConstraints.find((name) => quoted.includes(name));
}

function ownCause(error: Error): unknown {
  return read(error.cause, 'kind') === undefined ? undefined : error.cause;
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
