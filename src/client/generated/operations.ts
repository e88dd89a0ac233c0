/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** How a module keeps its tenants apart. */
export type Isolation =
  /** A database per tenant on the module’s server. */
  | 'DATABASE'
  /** A schema per tenant in the module’s database. */
  | 'SCHEMA';

/** What an event of routesChanged says. */
export type RouteChangeType =
  /** Something was changed; what is cached about it counts no more. */
  | 'CHANGE'
  /** The stream cannot go on from where it was: what is cached at all counts no more. */
  | 'RESYNC';

/** A tenant and a module. */
export type TenantSchemaKey = {
  /** UUID or slug of the tenant. */
  readonly id: string;
  /** The module. */
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
