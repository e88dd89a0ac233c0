import { TenantRegistryError, type TenantRegistryErrorCode } from './error.js';
import type { Resolver } from './resolver.js';
import type { TenantRoute } from './route.js';

/** What a driver runs first in a transaction, so that the rest of it finds the tenant's tables and no others. */
export interface Entrance {
  readonly route: TenantRoute;
  /**
   * One statement that sets the search_path through the fence, with `values` as its parameters. Its row says what the path is
   * now (`path`) and what the session's was (`before`).
   */
  readonly sql: string;
  readonly values: readonly [tenantId: string, schemaName: string, generation: number];
  /** The same without parameters, for one message together with BEGIN. */
  readonly text: string;
}

/** How the fence refuses: SQLSTATE, and the code that its message begins with. */
export const fenceRefusals: Readonly<Record<string, TenantRegistryErrorCode>> = {
  TR001: 'ROUTE_STALE',
  TR002: 'TENANT_SUSPENDED',
  TR003: 'MODULE_NOT_SUBSCRIBED',
  TR004: 'TENANT_NOT_READY',
  TR005: 'REGISTRY_UNAVAILABLE',
};

/** In REPEATABLE READ: the binding may have changed after the transaction began. */
const serializationFailure = '40001';

/**
 * Runs an attempt to work in a tenant's schema. It says when it is inside; what the fence refuses before that is asked of
 * the registry anew and tried once more where the route may have been old, and becomes a TenantRegistryError.
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
 * pg_temp stands last: where it is not named it is searched first, and in a pooled session another tenant's temporary
 * table would hide this one's table of that name.
 */
function enterSql(tenantId: string, schemaName: string, generation: string): string {
  const path = `tenant_guard.enter(${tenantId}::uuid, ${schemaName}::text, ${generation}::int)`;
  return `SELECT pg_catalog.current_setting('search_path') AS before,
    pg_catalog.set_config('search_path', pg_catalog.concat(${path}, ', pg_temp'), true) AS path`;
}

/** A text as SQL, whatever standard_conforming_strings says. */
export function literal(text: string): string {
  if (text.includes('\0')) throw new Error('a text for PostgreSQL cannot hold the character NUL');
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

function asRefusal(error: unknown, sqlState: string | undefined): TenantRegistryError | undefined {
  const code = sqlState === serializationFailure ? 'ROUTE_STALE' : fenceRefusals[sqlState ?? ''];
  if (!code) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new TenantRegistryError(code, message.replace(/^.*?[A-Z_]+: /s, ''), { cause: error });
}

/** SQLSTATE of a driver's error, or of what caused it. */
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
