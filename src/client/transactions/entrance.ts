import { TenantRegistryError, type TenantRegistryErrorCode } from '../error.js';
import type { Resolver } from '../resolution/resolver.js';
import type { TenantRoute } from '../resolution/route.js';

/** The first statement of a transaction, which makes the tenant's tables visible and no others. */
export interface Entrance {
  readonly route: TenantRoute;
  /**
   * One statement that sets the search_path through the fence, with `values` as its parameters. Its row has the new
   * path (`path`) and the session's former path (`before`).
   */
  readonly sql: string;
  readonly values: readonly [tenantId: string, schemaName: string, generation: number];
  /** The same statement without parameters, to be sent together with BEGIN. */
  readonly text: string;
}

/** The SQLSTATEs of the fence, and the code at the start of each message. */
export const fenceRefusals: Readonly<Record<string, TenantRegistryErrorCode>> = {
  TR001: 'ROUTE_STALE',
  TR002: 'TENANT_SUSPENDED',
  TR003: 'MODULE_NOT_SUBSCRIBED',
  TR004: 'TENANT_NOT_READY',
  TR005: 'REGISTRY_UNAVAILABLE',
};

/** Serialization failure: in REPEATABLE READ the binding may have changed after the transaction began. */
const serializationFailure = '40001';

/**
 * Runs an attempt to enter a tenant's schema. The attempt reports when it is inside. A refusal of the fence before
 * that is retried once with a newly read route when the route may have been outdated; otherwise it becomes a
 * TenantRegistryError.
 */
export async function enterTenant<T>(
  resolver: Resolver,
  reference: string,
  attempt: (entrance: Entrance, entered: () => void) => Promise<T>,
): Promise<T> {
  let route = await resolver.resolveOrStale(reference);
  for (let isRetry = false; ; isRetry = true) {
    let isInside = false;
    try {
      return await attempt(entranceTo(route), () => {
        isInside = true;
      });
    } catch (error) {
      const sqlState = isInside ? undefined : sqlStateOf(error);
      const mayBeOld = sqlState === 'TR001' || sqlState === serializationFailure;
      if (!mayBeOld || isRetry) throw asRefusal(error, sqlState) ?? error;
    }
    route = await resolver.resolveAnew(reference);
  }
}

function entranceTo(route: TenantRoute): Entrance {
  const { tenantId, schemaName, generation } = route;
  return {
    route,
    sql: enterSql('$1', '$2', '$3'),
    values: [tenantId, schemaName, generation],
    text: enterSql(literal(tenantId), literal(schemaName), String(Math.trunc(generation))),
  };
}

/**
 * pg_temp is named last: when it is absent, PostgreSQL searches it first, and in a pooled session another tenant's
 * temporary table would hide this tenant's table of the same name.
 */
function enterSql(tenantId: string, schemaName: string, generation: string): string {
  const path = `tenant_guard.enter(${tenantId}::uuid, ${schemaName}::text, ${generation}::int)`;
  return `SELECT pg_catalog.current_setting('search_path') AS before,
    pg_catalog.set_config('search_path', pg_catalog.concat(${path}, ', pg_temp'), true) AS path`;
}

/** Quotes a text as an SQL literal that is correct for both values of standard_conforming_strings. */
export function literal(text: string): string {
  if (text.includes('\0')) throw new Error('A text for PostgreSQL cannot contain the character NUL');
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

function asRefusal(error: unknown, sqlState: string | undefined): TenantRegistryError | undefined {
  const code = sqlState === serializationFailure ? 'ROUTE_STALE' : fenceRefusals[sqlState ?? ''];
  if (!code) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new TenantRegistryError(code, message.replace(/^.*?[A-Z_]+: /s, ''), { cause: error });
}

/** The SQLSTATE of a driver's error or of its cause. */
function sqlStateOf(error: unknown): string | undefined {
  for (let one = error, depth = 0; one instanceof Object && depth < 5; depth++) {
    const { code, originalCode, cause } = one as { code?: unknown; originalCode?: unknown; cause?: unknown };
    for (const state of [originalCode, code])
      if (typeof state === 'string' && (state in fenceRefusals || state === serializationFailure))
        return state;
    one = cause;
  }
  return undefined;
}
