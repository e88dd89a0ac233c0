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
  tenants_slug_key: () => taken('slug', 'A tenant with this slug already exists: choose another slug'),
  modules_pkey: () =>
    taken('name', 'A module with this name already exists: choose another name, or use updateModule'),
  storage_names_pkey: (message) => taken('schemaName', `${message}: choose another name`),
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
  if (isOutage(failure))
    return new RegistryError(
      'REGISTRY_UNAVAILABLE',
      'The registry database is not available; try again shortly',
      {
        cause: error,
      },
    );
  return errorByConstraint[failure.constraint ?? '']?.(failure.message);
}

/** Whether two transactions collided, so that the same work can succeed when it is repeated. */
function isTransactionCollision(error: unknown): boolean {
  return ['40001', '40P01', 'P2034'].includes(findDatabaseFailure(error)?.code ?? '');
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
  if (failure && /^(40001|40P01|P2034|55P03|55006)$/.test(failure.code)) return true;
  if (failure && isOutage(failure) && !/^(28|3D000|25006)/.test(failure.code)) return true;
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

function isOutage({ code, message }: DatabaseFailure): boolean {
  return (
    /^(08|57P0[1-5]|25P0[34]|53300|25006|28|58|3D000)/.test(code) ||
    /^(ECONN|ERR_STREAM|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOST|ENET|ConnectionClosed|DatabaseNotReachable|SocketTimeout|P1001|P1002|P1008|P1017|P2024|P2028)/.test(
      code,
    ) ||
    /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable|not currently accepting connections/i.test(
      message,
    )
  );
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
    /constraint "([^"]+)"/.exec(message)?.[1];
  return { code, message, constraint: constraint === undefined ? undefined : String(constraint) };
}

function ownCause(error: Error): unknown {
  return read(error.cause, 'kind') === undefined ? undefined : error.cause;
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
