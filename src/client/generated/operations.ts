/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** Separation of the tenants’ data in a module. */
export type Isolation =
  /** One database per tenant on the module’s server. */
  | 'DATABASE'
  /** One schema per tenant in the module’s database. */
  | 'SCHEMA';

/** Kind of an event of routesChanged. */
export type RouteChangeType =
  /** A row has changed; discard the cached data about it. */
  | 'CHANGE'
  /** A tenant changed that has no subscription to a module of the caller, so its id is not part of the event; discard the cached refusals. */
  | 'REFUSALS'
  /** The stream cannot continue; discard all cached data. */
  | 'RESYNC';

/** A tenant and a module to resolve. */
export type TenantSchemaKey = {
  /** The tenant’s UUID or slug. */
  readonly id: string;
  /** Name of the module. */
  readonly module: string;
};

export type FollowRoutesSubscriptionVariables = Exact<{
  since?: string | null | undefined;
}>;


export type FollowRoutesSubscription = { readonly routesChanged: { readonly type: RouteChangeType, readonly revision: string, readonly tenantId: string | null, readonly tenantSlug: string | null, readonly module: string | null } };

export type ResolveManyQueryVariables = Exact<{
  keys: ReadonlyArray<TenantSchemaKey> | TenantSchemaKey;
  minRevision?: string | null | undefined;
  withConfig: boolean;
}>;


export type ResolveManyQuery = { readonly tenantSchemas: ReadonlyArray<
    | { readonly config?: unknown, readonly isConfigFile?: boolean, readonly tenantId: string, readonly tenantSlug: string, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly revision: string }
    | { readonly code: string, readonly message: string, readonly asOf: string | null }
  > };

export type RouteFragment = { readonly tenantId: string, readonly tenantSlug: string, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly revision: string };

export type ResolveStronglyQueryVariables = Exact<{
  id: string;
  module: string;
}>;


export type ResolveStronglyQuery = { readonly tenantSchema: { readonly tenantId: string, readonly tenantSlug: string, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly revision: string } | null };
