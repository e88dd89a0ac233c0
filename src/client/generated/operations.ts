/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** Code of an expected failure, as in `extensions.code` of errors. Later versions add codes, so clients need a case for unknown ones. */
export type ErrorCode =
  /** The request contradicts the current state, such as a name that is taken. */
  | 'CONFLICT'
  /** No registered GraphQL document has this id or text, and the caller may send only registered ones (`TRUSTED_DOCUMENTS`). */
  | 'DOCUMENT_NOT_REGISTERED'
  /** The API key or token lacks the scope that the request needs. */
  | 'FORBIDDEN'
  /** The idempotency key was used for another request before. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** The catalogue has no module of this name. */
  | 'MODULE_NOT_FOUND'
  /** The tenant has no active subscription to the module. */
  | 'MODULE_NOT_SUBSCRIBED'
  /** No operation, member, API key or rollout has this id, or the tenant has no settings or branding. */
  | 'NOT_FOUND'
  /** Another operation is running on the tenant or its storage. */
  | 'OPERATION_IN_PROGRESS'
  /** The request has the hash of a GraphQL document (Automatic Persisted Queries) that is not registered, and the gateway stores none. */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  /** The GraphQL document, its estimated cost or its answer is larger than the gateway accepts. */
  | 'QUERY_TOO_COMPLEX'
  /** The tenant has reached a limit of its plan, such as `maxUsers`. */
  | 'QUOTA_EXCEEDED'
  /** The caller sends too many requests, runs too many queries at a time, or has too many streams open. */
  | 'RATE_LIMITED'
  /** The registry database cannot answer, or cannot accept the change. The message has the reason. */
  | 'REGISTRY_UNAVAILABLE'
  /** The gateway has not reached the requested `minRevision`. */
  | 'REVISION_NOT_REACHED'
  /** The route changed since it was resolved, so the service database refused the transaction. */
  | 'ROUTE_STALE'
  /** The tenant’s data of the module is behind the requested `minMigration`, and no running rollout takes it there. */
  | 'SCHEMA_BEHIND'
  /** The tenant’s data of the module is being moved, or a rollout is about to bring it to the requested `minMigration`. */
  | 'SCHEMA_MIGRATING'
  /** A value of the configuration looks like a secret. */
  | 'SECRET_IN_CONFIG'
  /** The tenant is deleted. */
  | 'TENANT_DELETED'
  /** The caller is not a member of this tenant, or its token is for another tenant. */
  | 'TENANT_MISMATCH'
  /** No tenant has this id, slug or external id, or the tenant was purged. */
  | 'TENANT_NOT_FOUND'
  /** The tenant, or its storage for the module, is not active yet. */
  | 'TENANT_NOT_READY'
  /** The tenant, or its subscription to the module, is suspended. */
  | 'TENANT_SUSPENDED'
  /** The request has no valid API key or token. */
  | 'UNAUTHENTICATED'
  /** Fields of the input are wrong. The error lists each of them. */
  | 'VALIDATION_ERROR'
  /** The record changed since the caller read it, so `expectedVersion` does not match. */
  | 'VERSION_CONFLICT';

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
  /** The tenant’s UUID, slug or external id. */
  readonly id: string;
  /** Oldest migration of the module that the tenant’s data may be at, such as finance/0007_invoices.sql, or the start of its name, such as 0007. A tenant that is behind it is refused: SCHEMA_MIGRATING while a running rollout is about to migrate it, SCHEMA_BEHIND otherwise. */
  readonly minMigration?: string | null | undefined;
  /** Name of the module. */
  readonly module: string;
};

/** Quantity that has a limit per tenant. */
export type UsageMetric =
  /** Quotes in the calendar month that the clock of the tenant (`timezone`) shows. Limit: `maxMonthlyQuotes`. */
  | 'MONTHLY_QUOTES'
  /** Gigabytes of storage, with up to 3 decimals. Limit: `maxStorageGb`. */
  | 'STORAGE_GB'
  /** Users at the same time: the members of the tenant, which count by themselves, and users that services record because they are no members. Limit: `maxUsers`. */
  | 'USERS';

/** One record of recordUsages. */
export type UsageRecordInput = {
  /** Amount that is added. More than 0 to use something; less than 0 to give back what was recorded, for USERS and STORAGE_GB. A whole number, for STORAGE_GB with up to 3 decimals. */
  readonly amount: number;
  /** Text chosen by the client, at most 200 characters, such as the id of the quote. Within 24 hours, a record of the same caller, tenant and metric with the same key is not counted again; with another amount it is refused with IDEMPOTENCY_KEY_REUSED. A refused record does not use its key up. */
  readonly idempotencyKey?: string | null | undefined;
  /** Metric that is used. */
  readonly metric: UsageMetric;
  /** UUID, slug or external id of the tenant. */
  readonly tenantId: string;
};

export type FollowRoutesSubscriptionVariables = Exact<{
  since?: string | null | undefined;
}>;


export type FollowRoutesSubscription = { readonly routesChanged: { readonly type: RouteChangeType, readonly revision: string, readonly tenantId: string | null, readonly tenantSlug: string | null, readonly externalIds: ReadonlyArray<string>, readonly module: string | null } };

export type ResolveManyQueryVariables = Exact<{
  keys: ReadonlyArray<TenantSchemaKey> | TenantSchemaKey;
  minRevision?: string | null | undefined;
  withConfig: boolean;
}>;


export type ResolveManyQuery = { readonly tenantSchemas: ReadonlyArray<
    | { readonly config?: unknown, readonly isConfigFile?: boolean, readonly tenantId: string, readonly tenantSlug: string, readonly externalId: string | null, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly migrationVersion: string | null, readonly revision: string }
    | { readonly code: ErrorCode, readonly message: string, readonly asOf: string | null }
  > };

export type RouteFragment = { readonly tenantId: string, readonly tenantSlug: string, readonly externalId: string | null, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly migrationVersion: string | null, readonly revision: string };

export type ResolveStronglyQueryVariables = Exact<{
  id: string;
  module: string;
  minMigration?: string | null | undefined;
}>;


export type ResolveStronglyQuery = { readonly tenantSchema: { readonly tenantId: string, readonly tenantSlug: string, readonly externalId: string | null, readonly module: string, readonly schemaName: string, readonly searchPath: string, readonly databaseName: string, readonly isolation: Isolation, readonly generation: number, readonly migrationVersion: string | null, readonly revision: string } | null };

export type RecordUsagesMutationVariables = Exact<{
  records: ReadonlyArray<UsageRecordInput> | UsageRecordInput;
}>;


export type RecordUsagesMutation = { readonly recordUsages: { readonly results: ReadonlyArray<
      | { readonly isRepeated: boolean, readonly usage: { readonly metric: UsageMetric, readonly used: number, readonly limit: number, readonly remaining: number, readonly periodStart: string | null, readonly periodEnd: string | null } }
      | { readonly code: ErrorCode, readonly message: string }
    > } | null };
