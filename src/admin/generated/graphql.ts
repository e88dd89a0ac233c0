/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Input of addTenantExternalId. */
export type AddTenantExternalIdInput = {
  /** Id on the older platform, 1 to 100 characters: letters, digits and `. _ ~ : @ = | + -`, beginning with a letter, a digit or `_`. Upper and lower case differ. It must not look like a UUID. */
  externalId: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Conditions on API keys; a key must meet all of them. */
export type ApiKeyFilter = {
  /** Only keys that expire before this time. Keys that never expire are left out. */
  expiresBefore?: string | null | undefined;
  /** True: only keys that are neither revoked nor expired. False: only revoked and expired keys. */
  isActive?: boolean | null | undefined;
};

/** Kind of change. Later versions add kinds, so clients need a case for unknown ones; a gateway that does not know the kind of an entry answers OTHER. */
export type AuditEventKind =
  /** An API key was created. */
  | 'API_KEY_CREATED'
  /** An API key was removed. */
  | 'API_KEY_REMOVED'
  /** An API key was updated. */
  | 'API_KEY_UPDATED'
  /** The branding of a tenant was created. */
  | 'BRANDING_CREATED'
  /** The branding of a tenant was removed. */
  | 'BRANDING_REMOVED'
  /** The branding of a tenant was updated. */
  | 'BRANDING_UPDATED'
  /** A checkpoint, up to which the audit log is pruned, was created. */
  | 'CHECKPOINT_CREATED'
  /** A checkpoint, up to which the audit log is pruned, was removed. */
  | 'CHECKPOINT_REMOVED'
  /** A checkpoint, up to which the audit log is pruned, was updated. */
  | 'CHECKPOINT_UPDATED'
  /** An external id of a tenant was activated. */
  | 'EXTERNAL_ID_ACTIVATED'
  /** An external id of a tenant was created. */
  | 'EXTERNAL_ID_CREATED'
  /** An external id of a tenant was removed. */
  | 'EXTERNAL_ID_REMOVED'
  /** An external id of a tenant was updated. */
  | 'EXTERNAL_ID_UPDATED'
  /** A difference between registry and databases was set to status ACCEPTED. */
  | 'FINDING_ACCEPTED'
  /** A difference between registry and databases was created. */
  | 'FINDING_CREATED'
  /** A difference between registry and databases was set to status IGNORED. */
  | 'FINDING_IGNORED'
  /** A difference between registry and databases was set to status OPEN. */
  | 'FINDING_OPEN'
  /** A difference between registry and databases was removed. */
  | 'FINDING_REMOVED'
  /** A difference between registry and databases was set to status REPAIRED. */
  | 'FINDING_REPAIRED'
  /** A difference between registry and databases was updated. */
  | 'FINDING_UPDATED'
  /** An invitation was created. */
  | 'INVITATION_CREATED'
  /** An invitation was removed. */
  | 'INVITATION_REMOVED'
  /** An invitation was updated. */
  | 'INVITATION_UPDATED'
  /** A member of a tenant was activated. */
  | 'MEMBER_ACTIVATED'
  /** A member of a tenant was created. */
  | 'MEMBER_CREATED'
  /** A member of a tenant was invited. */
  | 'MEMBER_INVITED'
  /** A member of a tenant was removed. */
  | 'MEMBER_REMOVED'
  /** A member of a tenant was updated. */
  | 'MEMBER_UPDATED'
  /** A module was created. */
  | 'MODULE_CREATED'
  /** A module was removed. */
  | 'MODULE_REMOVED'
  /** A module was updated. */
  | 'MODULE_UPDATED'
  /** An operation was set to status CANCELLED. */
  | 'OPERATION_CANCELLED'
  /** The cancellation of a running operation was requested. */
  | 'OPERATION_CANCEL_REQUESTED'
  /** An operation was set to status COMPENSATED. */
  | 'OPERATION_COMPENSATED'
  /** An operation was set to status FAILED. */
  | 'OPERATION_FAILED'
  /** An operation was set to status NEEDS_ATTENTION. */
  | 'OPERATION_NEEDS_ATTENTION'
  /** An operation was queued. */
  | 'OPERATION_QUEUED'
  /** An operation was retried. */
  | 'OPERATION_RETRIED'
  /** An operation was set to status SUCCEEDED. */
  | 'OPERATION_SUCCEEDED'
  /** A kind that this version of the gateway does not know; `kindText` has its name. */
  | 'OTHER'
  /** The limits of a plan were created. */
  | 'PLAN_CREATED'
  /** The limits of a plan were updated. */
  | 'PLAN_UPDATED'
  /** A rollout was set to status CANCELLED. */
  | 'ROLLOUT_CANCELLED'
  /** A rollout was created. */
  | 'ROLLOUT_CREATED'
  /** A rollout was set to status FAILED. */
  | 'ROLLOUT_FAILED'
  /** A rollout was set to status PAUSED. */
  | 'ROLLOUT_PAUSED'
  /** A rollout was set to status RUNNING. */
  | 'ROLLOUT_RUNNING'
  /** A rollout was set to status SUCCEEDED. */
  | 'ROLLOUT_SUCCEEDED'
  /** A rollout was updated. */
  | 'ROLLOUT_UPDATED'
  /** The settings of a tenant were created. */
  | 'SETTINGS_CREATED'
  /** The settings of a tenant were removed. */
  | 'SETTINGS_REMOVED'
  /** The settings of a tenant were updated. */
  | 'SETTINGS_UPDATED'
  /** A subscription of a tenant to a module was activated. */
  | 'SUBSCRIPTION_ACTIVATED'
  /** A subscription of a tenant to a module was cancelled. */
  | 'SUBSCRIPTION_CANCELLED'
  /** A subscription of a tenant to a module was created. */
  | 'SUBSCRIPTION_CREATED'
  /** A subscription of a tenant to a module was set to status DEPROVISIONING. */
  | 'SUBSCRIPTION_DEPROVISIONING'
  /** A subscription of a tenant to a module was set to status FAILED. */
  | 'SUBSCRIPTION_FAILED'
  /** A subscription of a tenant to a module was set to status MIGRATING. */
  | 'SUBSCRIPTION_MIGRATING'
  /** A subscription of a tenant to a module was set to status PENDING. */
  | 'SUBSCRIPTION_PENDING'
  /** A subscription of a tenant to a module was set to status PROVISIONING. */
  | 'SUBSCRIPTION_PROVISIONING'
  /** A subscription of a tenant to a module was removed. */
  | 'SUBSCRIPTION_REMOVED'
  /** A subscription of a tenant to a module was resumed. */
  | 'SUBSCRIPTION_RESUMED'
  /** A subscription of a tenant to a module was suspended. */
  | 'SUBSCRIPTION_SUSPENDED'
  /** A subscription of a tenant to a module was updated. */
  | 'SUBSCRIPTION_UPDATED'
  /** A tenant was activated. */
  | 'TENANT_ACTIVATED'
  /** A tenant was deleted. */
  | 'TENANT_DELETED'
  /** A tenant was set to status FAILED. */
  | 'TENANT_FAILED'
  /** A tenant was set to status PENDING. */
  | 'TENANT_PENDING'
  /** A tenant was set to status PROVISIONING. */
  | 'TENANT_PROVISIONING'
  /** A tenant was purged. */
  | 'TENANT_PURGED'
  /** A tenant was registered. */
  | 'TENANT_REGISTERED'
  /** A tenant was restored. */
  | 'TENANT_RESTORED'
  /** A tenant was resumed. */
  | 'TENANT_RESUMED'
  /** A tenant was suspended. */
  | 'TENANT_SUSPENDED'
  /** A tenant was updated. */
  | 'TENANT_UPDATED';

/** Conditions on entries of the audit log; an entry must meet all of them. */
export type AuditLogFilter = {
  /** Only entries of this actor, written as in `AuditLogEntry.actor`. */
  actor?: string | null | undefined;
  /** Only entries of these kinds, at most 50. OTHER selects the kinds that the gateway does not know. */
  kind?: Array<AuditEventKind> | null | undefined;
  /** Only entries with these names of kinds, at most 50, such as `tenant.suspended`. A name that ends in a dot, such as `tenant.`, selects all kinds that begin with it. */
  kindText?: Array<string> | null | undefined;
  /** Only entries that affect this module. */
  module?: string | null | undefined;
  /** Only entries at or after this time. */
  since?: string | null | undefined;
  /** Only entries before this time. */
  until?: string | null | undefined;
};

/** A change that can be made to many tenants at once. */
export type BulkChange =
  /** The change of resumeTenants. */
  | 'RESUME'
  /** The change of subscribeTenants. */
  | 'SUBSCRIBE'
  /** The change of suspendTenants. */
  | 'SUSPEND'
  /** The change of updateTenants. */
  | 'UPDATE';

/** Place from which a result was read. */
export type CacheTier =
  /** The primary database of the registry. */
  | 'DATABASE'
  /** The memory of the gateway. */
  | 'MEMORY'
  /** Redis, which all gateways share. */
  | 'REDIS';

/** Input of cancelOperation. */
export type CancelOperationInput = {
  /** UUID of the operation. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of cancelRollout. */
export type CancelRolloutInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** UUID of the rollout. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Storage of a tenant’s configuration. */
export type ConfigSource =
  /** The registry. */
  | 'DATABASE'
  /** The client.yaml of the tenant, until it is imported without --keep-source. */
  | 'YAML';

/** Input of createApiKey. */
export type CreateApiKeyInput = {
  /** When the new key expires. Default: after `API_KEY_LIFETIME_DAYS`, one year where that is not set. A key that a token creates expires after `TOKEN_KEY_LIFETIME_DAYS` at the latest. */
  expiresAt?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the key’s owner, at most 100 characters. */
  name: string;
  /** Scopes of the new key, at most 50. A caller can only grant its own scopes. */
  scopes: Array<string>;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of deleteTenant. */
export type DeleteTenantInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Number of days in which the tenant can be restored, 1 to 3650. Default: 30. */
  restorableDays?: number | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Conditions on findings; a finding must meet all of them. */
export type DriftFilter = {
  /** Only findings with one of these codes, such as STRUCTURE_MISSING. */
  code?: Array<string> | null | undefined;
  /** Only findings about this module. */
  module?: string | null | undefined;
  /** Only findings of this severity. */
  severity?: DriftSeverity | null | undefined;
  /** Only findings in one of these statuses. Default: OPEN. */
  status?: Array<DriftStatus> | null | undefined;
  /** Only findings about this tenant (UUID, slug or external id). */
  tenant?: string | null | undefined;
};

/** Decision on a finding. */
export type DriftResolution =
  /** The difference is left out of reports. Nothing is changed. */
  | 'IGNORE'
  /** The difference is accepted; another one of the same object is a new finding. The registry takes over the version of MIGRATION_VERSION_DIFFERS. */
  | 'KEEP_DATABASE'
  /** The database is made as the registry and the files of the module say. */
  | 'KEEP_REGISTRY';

/** Weight of a finding. */
export type DriftSeverity =
  /** Something is, or soon will be, wrongly refused, wrongly admitted, or lost. */
  | 'ERROR'
  /** Nothing fails today, but an operator should look at it. */
  | 'WARNING';

/** Whether somebody has decided on a finding. */
export type DriftStatus =
  /** The database is right: the difference is not reported. */
  | 'ACCEPTED'
  /** The difference is left out of reports. */
  | 'IGNORED'
  /** Nobody has decided. */
  | 'OPEN'
  /** The database was made as the registry and the files say. */
  | 'REPAIRED';

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

/** Input of inviteTenantMember. */
export type InviteTenantMemberInput = {
  /** E-mail address of the person; unique per tenant. */
  email: string;
  /** Display name of the person, at most 200 characters. Default: the name known from another tenant. */
  fullName?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Role of the member. Default: the role of a member who is not removed, else MEMBER. */
  role?: MemberRole | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Number of days until the invitation expires, 1 to 90. Default: 7. */
  validDays?: number | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Separation of the tenants’ data in a module. */
export type Isolation =
  /** One database per tenant on the module’s server. */
  | 'DATABASE'
  /** One schema per tenant in the module’s database. */
  | 'SCHEMA';

/** Input of markModuleProvisioned. */
export type MarkModuleProvisionedInput = {
  /** Reason of a failure, for the history. */
  error?: string | null | undefined;
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module. */
  module: string;
  /** Result of the provisioning. Default: SUCCESS. */
  status?: ProvisioningOutcome | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Role of a member in its tenant. */
export type MemberRole =
  /** Manages the tenant and its members. */
  | 'ADMIN'
  /** Works in the tenant. */
  | 'MEMBER';

/** Status of a membership. */
export type MemberStatus =
  /** Has accepted an invitation. */
  | 'ACTIVE'
  /** Has not accepted an invitation yet. */
  | 'INVITED'
  /** Was removed from the tenant. */
  | 'REMOVED';

/** Conditions on operations; an operation must meet all of them. */
export type OperationFilter = {
  /** Only operations of these kinds. */
  kind?: Array<OperationKind> | null | undefined;
  /** Only operations with a step on the storage of this module. */
  module?: string | null | undefined;
  /** True: only operations in status NEEDS_ATTENTION. False: only operations in other statuses. */
  needsAttention?: boolean | null | undefined;
  /** Only operations that were requested at or after this time. */
  since?: string | null | undefined;
  /** Only operations in one of these statuses. */
  status?: Array<OperationStatus> | null | undefined;
  /** Only operations of this tenant (UUID, slug or external id), and those on many tenants that include it. */
  tenant?: string | null | undefined;
};

/** Purpose of an operation. */
export type OperationKind =
  /** Takes over a schema or database that is older than the registry. */
  | 'ADOPT_STORAGE'
  /** Updates the guards in the service databases after a change in the registry. */
  | 'BIND_STORAGE'
  /** Record of markModuleProvisioned: the storage was created outside the registry. */
  | 'MARK_MODULE_PROVISIONED'
  /** Work of provisionModule: creates storage; its route is not visible yet. */
  | 'PROVISION_MODULE'
  /** Work of provisionTenant: creates the storage of several modules for a new tenant. */
  | 'PROVISION_TENANT'
  /** Drops all data of a deleted tenant. */
  | 'PURGE_TENANT'
  /** Drops the data of a cancelled subscription after `purgeAfter`. */
  | 'REMOVE_STORAGE'
  /** Work of resumeTenants: resumes many tenants. */
  | 'RESUME_TENANTS'
  /** Work of subscribeTenantToModule: creates storage and makes its route visible. */
  | 'SUBSCRIBE_TENANT'
  /** Work of subscribeTenants: subscribes many tenants to a module. A SUBSCRIBE_TENANT operation makes the storage of each. */
  | 'SUBSCRIBE_TENANTS'
  /** Work of suspendTenants: suspends many tenants. */
  | 'SUSPEND_TENANTS'
  /** Work of updateTenants: changes plan and quotas of many tenants. */
  | 'UPDATE_TENANTS';

/** Order of a list of operations. */
export type OperationOrder = {
  /** Direction of the order of operations. */
  direction?: OrderDirection;
  /** Field that gives the order. */
  field: OperationOrderField;
};

/** Field by which operations are ordered. */
export type OperationOrderField =
  /** By time of the request. */
  | 'CREATED_AT';

/** Status of an operation or of one of its steps. */
export type OperationStatus =
  /** Not done, because an earlier step failed or the operation was cancelled. */
  | 'CANCELLED'
  /** Failed; everything it had created was removed. */
  | 'COMPENSATED'
  /** Failed; the created storage is being removed. */
  | 'COMPENSATING'
  /** Ended without effect; `error` contains the reason. An operation on many tenants: some of them were not changed. */
  | 'FAILED'
  /** Failed and could not be undone; a person has to read `error` and act. */
  | 'NEEDS_ATTENTION'
  /** Not started yet. */
  | 'QUEUED'
  /** Being worked on. */
  | 'RUNNING'
  /** Done; the effect is visible. */
  | 'SUCCEEDED';

/** Name of a step of an operation. Later versions add names, so clients need a case for unknown ones. */
export type OperationStepName =
  /** Makes the routes of the operation visible. */
  | 'ACTIVATE_ROUTE'
  /** Takes over an existing schema or database. */
  | 'ADOPT_STORAGE'
  /** Updates the guard of the schema or database. */
  | 'BIND_STORAGE'
  /** Creates the database and runs the migrations of the module in it. */
  | 'CREATE_DATABASE'
  /** Creates the schema and runs the migrations of the module in it. */
  | 'CREATE_SCHEMA'
  /** Drops the database with its data. */
  | 'DROP_DATABASE'
  /** Drops the schema with its data. */
  | 'DROP_SCHEMA'
  /** A step that this version of the gateway does not know. */
  | 'OTHER';

/** Conditions on the results of an operation on many tenants. */
export type OperationTenantResultFilter = {
  /** Only results in one of these statuses. */
  statuses?: Array<OperationStatus> | null | undefined;
};

/** Direction of an order. */
export type OrderDirection =
  /** Smallest or oldest first. */
  | 'ASC'
  /** Largest or newest first. */
  | 'DESC';

/** Input of pauseRollout. */
export type PauseRolloutInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** UUID of the rollout. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Reason of the pause, at most 500 characters. Default: the name of the caller. */
  reason?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Plan that a tenant pays for. */
export type Plan =
  /** Plan with individual terms. */
  | 'ENTERPRISE'
  /** Plan of a new tenant. */
  | 'LITE'
  /** Plan for growing tenants. */
  | 'PRO';

/** Input of provisionModule. */
export type ProvisionModuleInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module. */
  module: string;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of provisionTenant. */
export type ProvisionTenantInput = {
  /** E-mail address of the first admin, who is invited. It is also the primary address when no other is given. */
  adminEmail: string;
  /** Display name of the first admin, at most 200 characters. */
  adminFullName?: string | null | undefined;
  /** Branding of the tenant. */
  branding?: TenantBrandingInput | null | undefined;
  /** Configuration of the services that the tenant uses. Shape: branding {company_name, logo_url, primary_color, secondary_color, accent_color, theme_id, email_signature}, destinations [{name, code, enabled, aliases}], infrastructure {gcp {project_id, dataset, region, corpus_id}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}, email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}, banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}, consultants [{id, name, email, active}], agents {inbound {enabled, prompt_file}, helpdesk {enabled, prompt_file}, outbound {enabled, prompt_file}}, extensions. Every api_key, anon_key and password is a reference such as `${ACME_API_KEY}`. */
  config?: unknown;
  /** ISO 4217 currency code. Default: ZAR. */
  currency?: string | null | undefined;
  /** Ids under which older platforms know the tenant, at most 20. Each resolves like the slug. */
  externalIds?: Array<string> | null | undefined;
  /** Name of the BigQuery dataset in the Google Cloud project. */
  gcpDataset?: string | null | undefined;
  /** Id of the Google Cloud project. */
  gcpProjectId?: string | null | undefined;
  /** UUID to keep, for a tenant that another system already knows. Default: a new UUID. */
  id?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Note of operators, at most 2000 characters; not shown to members of the tenant. */
  internalNote?: string | null | undefined;
  /** Whether deleteTenant and purgeTenant are refused until this is cleared. Default: false. */
  isProtected?: boolean | null | undefined;
  /** Maximum number of quotes per month. A new tenant has that of its plan. */
  maxMonthlyQuotes?: number | null | undefined;
  /** Maximum storage in GB. A new tenant has that of its plan. */
  maxStorageGb?: number | null | undefined;
  /** Maximum number of users. A new tenant has that of its plan. */
  maxUsers?: number | null | undefined;
  /** Names of the modules to which the tenant is subscribed. */
  modules: Array<string>;
  /** Display name, at most 200 characters. */
  name: string;
  /** Commercial plan. Default: LITE. */
  plan?: Plan | null | undefined;
  /** E-mail address for messages to the tenant. */
  primaryEmail?: string | null | undefined;
  /** Settings of the tenant. */
  settings?: TenantSettingsInput | null | undefined;
  /** Short display name, at most 50 characters. */
  shortName?: string | null | undefined;
  /** Slug, 2 to 40 characters: `^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`. It never changes. Default: derived from the name. */
  slug?: string | null | undefined;
  /** IANA time zone. Default: Africa/Johannesburg. */
  timezone?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Result of provisioning outside the registry. */
export type ProvisioningOutcome =
  /** The storage could not be created. */
  | 'FAILED'
  /** The storage exists. */
  | 'SUCCESS';

/** Input of purgeTenant. */
export type PurgeTenantInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** When the purge happens; a time in the past means at once. Default: the tenant’s `restorableUntil`. */
  purgeAfter?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of registerModule. */
export type RegisterModuleInput = {
  /** Environment variable with the URL of the module’s database. Default: `<NAME>_DB_URL`. */
  databaseRef?: string | null | undefined;
  /** Purpose of the module, at most 500 characters. */
  description?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Isolation of new subscriptions. Default: SCHEMA. */
  isolation?: Isolation | null | undefined;
  /** Folder in MODULES_DIR with the module’s migrations. Default: the name of the module. */
  migrationsFolder?: string | null | undefined;
  /** Name of the new module; it cannot be changed later. */
  name: string;
  /** Prefix of generated names, at most 20 characters. Default: the name followed by `_`. */
  schemaPrefix?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of registerTenant. */
export type RegisterTenantInput = {
  /** E-mail address of the first admin, who is invited. It is also the primary address when no other is given. */
  adminEmail?: string | null | undefined;
  /** Display name of the first admin, at most 200 characters. */
  adminFullName?: string | null | undefined;
  /** Branding of the tenant. */
  branding?: TenantBrandingInput | null | undefined;
  /** Configuration of the services that the tenant uses. Shape: branding {company_name, logo_url, primary_color, secondary_color, accent_color, theme_id, email_signature}, destinations [{name, code, enabled, aliases}], infrastructure {gcp {project_id, dataset, region, corpus_id}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}, email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}, banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}, consultants [{id, name, email, active}], agents {inbound {enabled, prompt_file}, helpdesk {enabled, prompt_file}, outbound {enabled, prompt_file}}, extensions. Every api_key, anon_key and password is a reference such as `${ACME_API_KEY}`. */
  config?: unknown;
  /** ISO 4217 currency code. Default: ZAR. */
  currency?: string | null | undefined;
  /** Ids under which older platforms know the tenant, at most 20. Each resolves like the slug. */
  externalIds?: Array<string> | null | undefined;
  /** Name of the BigQuery dataset in the Google Cloud project. */
  gcpDataset?: string | null | undefined;
  /** Id of the Google Cloud project. */
  gcpProjectId?: string | null | undefined;
  /** UUID to keep, for a tenant that another system already knows. Default: a new UUID. */
  id?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Note of operators, at most 2000 characters; not shown to members of the tenant. */
  internalNote?: string | null | undefined;
  /** Whether deleteTenant and purgeTenant are refused until this is cleared. Default: false. */
  isProtected?: boolean | null | undefined;
  /** Maximum number of quotes per month. A new tenant has that of its plan. */
  maxMonthlyQuotes?: number | null | undefined;
  /** Maximum storage in GB. A new tenant has that of its plan. */
  maxStorageGb?: number | null | undefined;
  /** Maximum number of users. A new tenant has that of its plan. */
  maxUsers?: number | null | undefined;
  /** Display name, at most 200 characters. */
  name: string;
  /** Commercial plan. Default: LITE. */
  plan?: Plan | null | undefined;
  /** E-mail address for messages to the tenant. */
  primaryEmail?: string | null | undefined;
  /** Settings of the tenant. */
  settings?: TenantSettingsInput | null | undefined;
  /** Short display name, at most 50 characters. */
  shortName?: string | null | undefined;
  /** Slug, 2 to 40 characters: `^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`. It never changes. Default: derived from the name. */
  slug?: string | null | undefined;
  /** IANA time zone. Default: Africa/Johannesburg. */
  timezone?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of removeModule. */
export type RemoveModuleInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module to remove. */
  name: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of removeTenantExternalId. */
export type RemoveTenantExternalIdInput = {
  /** External id of the tenant. */
  externalId: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of removeTenantMember. */
export type RemoveTenantMemberInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID of the member. */
  memberId: string;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of repairDrift. */
export type RepairDriftInput = {
  /** Name of the object (`objectName`), needed where KEEP_REGISTRY drops it. */
  confirm?: string | null | undefined;
  /** UUID of the finding. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Decision on the finding. */
  resolution: DriftResolution;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Check that a resolution has to pass. The checks run in this order. */
export type ResolutionGate =
  /** The module must exist. */
  | 'MODULE'
  /** The registry must be available and recent enough. */
  | 'REGISTRY'
  /** The tenant’s subscription to the module must be active. */
  | 'SUBSCRIPTION'
  /** The tenant must exist and be active. */
  | 'TENANT';

/** Input of restoreTenant. */
export type RestoreTenantInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of resumeRollout. */
export type ResumeRolloutInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** UUID of the rollout. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of resumeSubscription. */
export type ResumeSubscriptionInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module. */
  module: string;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of resumeTenant. */
export type ResumeTenantInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of resumeTenants. */
export type ResumeTenantsInput = {
  /** Number of tenants that the caller expects, as `selected` of bulkPreview. When another number is selected, the mutation is refused with CONFLICT. */
  expectedCount?: number | null | undefined;
  /** Conditions that select the tenants, as in the list of tenants; at most 100000 tenants. A filter without any condition needs `expectedCount`. */
  filter?: TenantFilter | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUIDs, slugs or external ids of the tenants, 1 to 10000. Either these or `filter` is given. */
  tenantIds?: Array<string> | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of retireModule. */
export type RetireModuleInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module to retire. */
  name: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of retryOperation. */
export type RetryOperationInput = {
  /** UUID of the operation. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of retryRollout. */
export type RetryRolloutInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** UUID of the rollout. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of revokeApiKey. */
export type RevokeApiKeyInput = {
  /** UUID of the API key. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of revokeInvitation. */
export type RevokeInvitationInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID of the member. */
  memberId: string;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** The tenants that are migrated before all others; exactly one of the fields. */
export type RolloutCanaryInput = {
  /** Share of the tenants in percent, from 1 to 100, chosen at random. */
  percent?: number | null | undefined;
  /** UUIDs, slugs or external ids of the tenants, at most 1,000. */
  tenantIds?: Array<string> | null | undefined;
  /** Number of tenants, chosen at random. */
  tenants?: number | null | undefined;
};

/** How many tenants may fail before the rollout pauses; the lower limit counts. Blocked tenants do not count. */
export type RolloutErrorBudgetInput = {
  /** Number of tenants. 0: the first failure pauses the rollout. */
  count?: number | null | undefined;
  /** Share of the tenants of the rollout in percent, from 0 to 100. */
  percent?: number | null | undefined;
};

/** Status of a rollout. */
export type RolloutStatus =
  /** Ended by cancelRollout; tenants that were migrated stay so. */
  | 'CANCELLED'
  /** Ended; at least one tenant has failed or is blocked. */
  | 'FAILED'
  /** No further tenant is begun; `pauseReason` contains the reason. */
  | 'PAUSED'
  /** A worker migrates its tenants. */
  | 'RUNNING'
  /** Ended; no tenant has failed or is blocked. */
  | 'SUCCEEDED';

/** How a rollout goes through its tenants. */
export type RolloutStrategyInput = {
  /** Tenants that are migrated before all others. Default: none. */
  canary?: RolloutCanaryInput | null | undefined;
  /** How many tenants may fail before the rollout pauses. Default: a count of 0. */
  errorBudget?: RolloutErrorBudgetInput | null | undefined;
  /** Time that a file may wait for locks, in milliseconds, from 10 to 60,000; it is then repeated after a pause. Statements of services wait no longer behind it. Default: 2000. */
  lockTimeoutMs?: number | null | undefined;
  /** Number of tenants that are migrated at the same time on the module’s server, at most 16. Default: 4. */
  parallelism?: number | null | undefined;
  /** Whether the rollout pauses after the canary, until resumeRollout. Default: false. */
  pauseAfterCanary?: boolean | null | undefined;
  /** Time after which a statement of a file is cancelled, in milliseconds. Default: 600000. */
  statementTimeoutMs?: number | null | undefined;
  /** Number of waves after the canary, at most 100. A wave begins when the one before it has ended. Default: 1. */
  waves?: number | null | undefined;
};

/** Conditions on the tenants of a rollout; a tenant must meet all of them. */
export type RolloutTenantFilter = {
  /** Only tenants in one of these statuses. */
  status?: Array<RolloutTenantStatus> | null | undefined;
  /** Only tenants of this wave; 0 is the canary. */
  wave?: number | null | undefined;
};

/** Status of a tenant in a rollout. */
export type RolloutTenantStatus =
  /** Left alone: a check before a file found violations, or the files of the rollout do not fit those that ran. */
  | 'BLOCKED'
  /** A file failed; the files before it have run. */
  | 'FAILED'
  /** Not begun yet. */
  | 'QUEUED'
  /** Being migrated. */
  | 'RUNNING'
  /** Left out; `error` contains the reason. */
  | 'SKIPPED'
  /** All files of the rollout have run. */
  | 'SUCCEEDED';

/** Input of rotateApiKey. */
export type RotateApiKeyInput = {
  /** UUID of the API key to replace. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** How long the previous key is still accepted, in seconds, at most 2592000. Default: 86400, one day. 0 ends it at once. */
  overlapSeconds?: number | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Kind of an event of routesChanged. */
export type RouteChangeType =
  /** A row has changed; discard the cached data about it. */
  | 'CHANGE'
  /** A tenant changed that has no subscription to a module of the caller, so its id is not part of the event; discard the cached refusals. */
  | 'REFUSALS'
  /** The stream cannot continue; discard all cached data. */
  | 'RESYNC';

/** Input of skipTenantInRollout. */
export type SkipTenantInRolloutInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** UUID of the rollout. */
  id: string;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Reason why the tenant is left out, at most 500 characters. Default: the name of the caller. */
  reason?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of startRollout. */
export type StartRolloutInput = {
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Module whose tenants are migrated. */
  module: string;
  /** How the rollout goes through its tenants. Default: every field has its default. */
  strategy?: RolloutStrategyInput | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of subscribeTenantToModule. */
export type SubscribeTenantToModuleInput = {
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Isolation of the data. Default: the isolation of the module. */
  isolation?: Isolation | null | undefined;
  /** Name of the module. */
  module: string;
  /** Whether to create the storage now. If false, the subscription stays PENDING. */
  provision?: boolean;
  /** Name of the schema or database: `^[a-z][a-z0-9_]{0,62}$`. Default: the module’s prefix and the slug with - replaced by _, plus a suffix when another tenant has that name. */
  schemaName?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of subscribeTenants. */
export type SubscribeTenantsInput = {
  /** Number of tenants that the caller expects, as `selected` of bulkPreview. When another number is selected, the mutation is refused with CONFLICT. */
  expectedCount?: number | null | undefined;
  /** Conditions that select the tenants, as in the list of tenants; at most 100000 tenants. A filter without any condition needs `expectedCount`. */
  filter?: TenantFilter | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Isolation of the data. Default: the isolation of the module. */
  isolation?: Isolation | null | undefined;
  /** Name of the module. */
  module: string;
  /** Whether to create the storage now. If false, the subscriptions stay PENDING. */
  provision?: boolean;
  /** UUIDs, slugs or external ids of the tenants, 1 to 10000. Either these or `filter` is given. */
  tenantIds?: Array<string> | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Status of a subscription. Only ACTIVE subscriptions resolve. */
export type SubscriptionStatus =
  /** Resolves while its tenant is active. */
  | 'ACTIVE'
  /** Unsubscribed; the names stay reserved. */
  | 'CANCELLED'
  /** The storage is being removed. */
  | 'DEPROVISIONING'
  /** The storage could not be created; subscribing again retries. */
  | 'FAILED'
  /** The data is being moved. */
  | 'MIGRATING'
  /** Subscribed; the storage waits to be created or to be marked as provisioned. */
  | 'PENDING'
  /** The storage is being created. */
  | 'PROVISIONING'
  /** Suspended for this module only; resumeSubscription ends the suspension. */
  | 'SUSPENDED';

/** Input of suspendSubscription. */
export type SuspendSubscriptionInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Name of the module. */
  module: string;
  /** Reason that refused callers see, at most 500 characters. Default: none. */
  reason?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of suspendTenant. */
export type SuspendTenantInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Reason that refused callers see, at most 500 characters. */
  reason: string;
  /** Time in the future at which the suspension ends by itself, within seconds; updateTenant changes it. Default: it lasts until resumeTenant. */
  suspendUntil?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of suspendTenants. */
export type SuspendTenantsInput = {
  /** Number of tenants that the caller expects, as `selected` of bulkPreview. When another number is selected, the mutation is refused with CONFLICT. */
  expectedCount?: number | null | undefined;
  /** Conditions that select the tenants, as in the list of tenants; at most 100000 tenants. A filter without any condition needs `expectedCount`. */
  filter?: TenantFilter | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Reason that refused callers see, at most 500 characters. */
  reason: string;
  /** Time in the future at which the suspensions end by themselves, within seconds. Default: they last until they are ended. */
  suspendUntil?: string | null | undefined;
  /** UUIDs, slugs or external ids of the tenants, 1 to 10000. Either these or `filter` is given. */
  tenantIds?: Array<string> | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Branding of a new tenant. Default: the theme professional_blue. */
export type TenantBrandingInput = {
  /** Accent colour, `#rrggbb`. */
  accentColor?: string | null | undefined;
  /** URL of the logo, http or https. */
  logoUrl?: string | null | undefined;
  /** Theme that the colours are based on, at most 100 characters. */
  presetTheme?: string | null | undefined;
  /** Primary colour, `#rrggbb`. */
  primaryColor?: string | null | undefined;
  /** Secondary colour, `#rrggbb`. */
  secondaryColor?: string | null | undefined;
};

/** Conditions on tenants; a tenant must meet all of them. */
export type TenantFilter = {
  /** Only tenants whose configuration contains this value, as by PostgreSQL’s operator `@>`: `{"destinations": [{"code": "ZNZ"}]}` selects every tenant that has this destination, among others. When more than 10,000 tenants match, the query is refused with VALIDATION_ERROR. */
  config?: unknown;
  /** Only tenants whose configuration comes from this source. */
  configSource?: ConfigSource | null | undefined;
  /** Only tenants that were registered at or after this time. */
  createdFrom?: string | null | undefined;
  /** Only tenants that were registered before this time. */
  createdUntil?: string | null | undefined;
  /** Only tenants with one of these external ids, at most 500. */
  externalIds?: Array<string> | null | undefined;
  /** Only tenants with one of these UUIDs, at most 500. Ids without a tenant are left out. */
  ids?: Array<string> | null | undefined;
  /** Only tenants with a member of this e-mail address who was not removed. Upper and lower case, and the spellings of an international domain, are the same. */
  memberEmail?: string | null | undefined;
  /** Only tenants whose subscription to a module is at, not at or below a migration. */
  migration?: TenantMigrationFilter | null | undefined;
  /** Only tenants with an active subscription to this module. */
  module?: string | null | undefined;
  /** Only tenants with a subscription for each of these conditions, at most 20. */
  modules?: Array<TenantModuleFilter> | null | undefined;
  /** True: only tenants with an operation in status NEEDS_ATTENTION or a subscription in status FAILED. False: only the other tenants. */
  needsAttention?: boolean | null | undefined;
  /** Only tenants on one of these plans. */
  plan?: Array<Plan> | null | undefined;
  /** Only tenants in one of these statuses. */
  status?: Array<TenantStatus> | null | undefined;
  /** Only tenants with this text in their name, slug or an external id; upper and lower case are the same. One or two characters are the beginning of a name, slug or external id. */
  text?: string | null | undefined;
};

/** Condition on the migration version of a tenant’s subscription to a module. Exactly one of `at`, `notAt` and `below` is given: a version as in `ModuleSubscription.migrationVersion`. Subscriptions in status DEPROVISIONING or CANCELLED have no version, so their tenants do not meet the condition. */
export type TenantMigrationFilter = {
  /** Only tenants at this version. */
  at?: string | null | undefined;
  /** Only tenants at a version that comes before this one by its name, or without storage yet. */
  below?: string | null | undefined;
  /** Name of the module with the migration. */
  module: string;
  /** Only tenants at another version, or without storage yet. */
  notAt?: string | null | undefined;
};

/** Condition on the subscription of a tenant to a module. */
export type TenantModuleFilter = {
  /** Name of the module of the subscription. */
  module: string;
  /** Statuses of which the subscription has one. Default: ACTIVE. */
  statuses?: Array<SubscriptionStatus> | null | undefined;
};

/** Order of a list of tenants. */
export type TenantOrder = {
  /** Direction of the order. */
  direction?: OrderDirection;
  /** Field to order by. */
  field: TenantOrderField;
};

/** Field by which tenants are ordered. */
export type TenantOrderField =
  /** By time of registration. */
  | 'CREATED_AT'
  /** By name. */
  | 'NAME'
  /** By plan, in the order of enum Plan; within a plan by name. */
  | 'PLAN'
  /** By slug. */
  | 'SLUG'
  /** By status, in the order of enum TenantStatus; within a status by name. */
  | 'STATUS'
  /** By time of the last change. */
  | 'UPDATED_AT';

/** Settings of a new tenant. Defaults come from its name, addresses, currency and time zone. */
export type TenantSettingsInput = {
  /** Company name on documents and pages, at most 200 characters. */
  companyName?: string | null | undefined;
  /** Currency of prices as an ISO 4217 code. */
  currency?: string | null | undefined;
  /** Sender address of outgoing mail. Null means the support address. */
  emailFromEmail?: string | null | undefined;
  /** Sender name of outgoing mail, at most 200 characters. */
  emailFromName?: string | null | undefined;
  /** E-mail address of customer support. */
  supportEmail?: string | null | undefined;
  /** Telephone number of customer support. */
  supportPhone?: string | null | undefined;
  /** IANA time zone of dates. */
  timezone?: string | null | undefined;
  /** Website of the tenant, http or https. */
  website?: string | null | undefined;
};

/** Status of a tenant. Only ACTIVE tenants resolve. */
export type TenantStatus =
  /** In use: its active subscriptions resolve. */
  | 'ACTIVE'
  /** Deleted for its users; restoreTenant restores it until `restorableUntil`. */
  | 'DELETED'
  /** The provisioning failed and was undone; the same call of provisionTenant starts again. */
  | 'FAILED'
  /** Registered, not set up yet. */
  | 'PENDING'
  /** Its storage is being created by provisionTenant. */
  | 'PROVISIONING'
  /** Deleted permanently; its names stay reserved. */
  | 'PURGED'
  /** Suspended for a reason; resumeTenant ends the suspension. */
  | 'SUSPENDED';

/** Input of unsubscribeTenantFromModule. */
export type UnsubscribeTenantFromModuleInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Number of days for which the data is kept, 1 to 3650. Default: 30. */
  keepDataDays?: number | null | undefined;
  /** Name of the module. */
  module: string;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateModule. */
export type UpdateModuleInput = {
  /** Environment variable with the URL of the module’s database. It can be changed only while the module has no subscription. */
  databaseRef?: string | null | undefined;
  /** Purpose of the module, at most 500 characters. */
  description?: string | null | undefined;
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Whether the module is retired; false brings a retired module back. */
  isRetired?: boolean | null | undefined;
  /** Isolation of subscriptions created from now on. */
  isolation?: Isolation | null | undefined;
  /** Folder in MODULES_DIR with the module’s migrations. */
  migrationsFolder?: string | null | undefined;
  /** Name of the module to change. */
  name: string;
  /** Prefix of names generated from now on; existing subscriptions keep their names. */
  schemaPrefix?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateTenantBranding. */
export type UpdateTenantBrandingInput = {
  /** Accent colour, `#rrggbb`. */
  accentColor?: string | null | undefined;
  /** Expected `branding.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** URL of the logo, http or https. */
  logoUrl?: string | null | undefined;
  /** Theme that the colours are based on, at most 100 characters. */
  presetTheme?: string | null | undefined;
  /** Primary colour, `#rrggbb`. */
  primaryColor?: string | null | undefined;
  /** Secondary colour, `#rrggbb`. */
  secondaryColor?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateTenantConfig. */
export type UpdateTenantConfigInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** JSON Merge Patch (RFC 7396): omitted keys stay unchanged, null removes a key, a list replaces the whole list. Shape: branding {company_name, logo_url, primary_color, secondary_color, accent_color, theme_id, email_signature}, destinations [{name, code, enabled, aliases}], infrastructure {gcp {project_id, dataset, region, corpus_id}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}, email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}, banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}, consultants [{id, name, email, active}], agents {inbound {enabled, prompt_file}, helpdesk {enabled, prompt_file}, outbound {enabled, prompt_file}}, extensions. Every api_key, anon_key and password is a reference such as `${ACME_API_KEY}`. */
  patch: unknown;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateTenant. */
export type UpdateTenantInput = {
  /** ISO 4217 currency code. */
  currency?: string | null | undefined;
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Name of the BigQuery dataset in the Google Cloud project. */
  gcpDataset?: string | null | undefined;
  /** Id of the Google Cloud project. */
  gcpProjectId?: string | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Note of operators, at most 2000 characters; not shown to members of the tenant. */
  internalNote?: string | null | undefined;
  /** Whether deleteTenant and purgeTenant are refused until this is cleared. */
  isProtected?: boolean | null | undefined;
  /** Maximum number of quotes per month. A new tenant has that of its plan. */
  maxMonthlyQuotes?: number | null | undefined;
  /** Maximum storage in GB. A new tenant has that of its plan. */
  maxStorageGb?: number | null | undefined;
  /** Maximum number of users. A new tenant has that of its plan. */
  maxUsers?: number | null | undefined;
  /** Display name, at most 200 characters. */
  name?: string | null | undefined;
  /** Commercial plan. */
  plan?: Plan | null | undefined;
  /** E-mail address for messages to the tenant. */
  primaryEmail?: string | null | undefined;
  /** Short display name, at most 50 characters. */
  shortName?: string | null | undefined;
  /** Time in the future at which the suspension of a SUSPENDED tenant ends by itself; null: it lasts until resumeTenant. */
  suspendUntil?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** IANA time zone. */
  timezone?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateTenantMember. */
export type UpdateTenantMemberInput = {
  /** The `version` on which the change is based. When the current version is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** UUID of the member. */
  memberId: string;
  /** New role of the member. */
  role: MemberRole;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Input of updateTenantSettings. */
export type UpdateTenantSettingsInput = {
  /** Company name on documents and pages, at most 200 characters. */
  companyName?: string | null | undefined;
  /** Currency of prices as an ISO 4217 code. */
  currency?: string | null | undefined;
  /** Sender address of outgoing mail. Null means the support address. */
  emailFromEmail?: string | null | undefined;
  /** Sender name of outgoing mail, at most 200 characters. */
  emailFromName?: string | null | undefined;
  /** Expected `settings.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT. */
  expectedVersion?: number | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** E-mail address of customer support. */
  supportEmail?: string | null | undefined;
  /** Telephone number of customer support. */
  supportPhone?: string | null | undefined;
  /** UUID, slug or external id of the tenant. */
  tenantId: string;
  /** IANA time zone of dates. */
  timezone?: string | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
  /** Website of the tenant, http or https. */
  website?: string | null | undefined;
};

/** Input of updateTenants. */
export type UpdateTenantsInput = {
  /** Number of tenants that the caller expects, as `selected` of bulkPreview. When another number is selected, the mutation is refused with CONFLICT. */
  expectedCount?: number | null | undefined;
  /** Conditions that select the tenants, as in the list of tenants; at most 100000 tenants. A filter without any condition needs `expectedCount`. */
  filter?: TenantFilter | null | undefined;
  /** Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same input returns the first result, a failed operation included, without doing the work again; with a different input it is refused with IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Maximum number of quotes per month of each tenant. */
  maxMonthlyQuotes?: number | null | undefined;
  /** Maximum storage of each tenant in GB. */
  maxStorageGb?: number | null | undefined;
  /** Maximum number of members of each tenant. */
  maxUsers?: number | null | undefined;
  /** New plan of the tenants. */
  plan?: Plan | null | undefined;
  /** UUIDs, slugs or external ids of the tenants, 1 to 10000. Either these or `filter` is given. */
  tenantIds?: Array<string> | null | undefined;
  /** Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, for createApiKey COMMITTED. */
  wait?: WaitFor | null | undefined;
};

/** Quantity that has a limit per tenant. */
export type UsageMetric =
  /** Quotes in the calendar month that the clock of the tenant (`timezone`) shows. Limit: `maxMonthlyQuotes`. */
  | 'MONTHLY_QUOTES'
  /** Gigabytes of storage, with up to 3 decimals. Limit: `maxStorageGb`. */
  | 'STORAGE_GB'
  /** Users at the same time: the members of the tenant, which count by themselves, and users that services record because they are no members. Limit: `maxUsers`. */
  | 'USERS';

/** Point at which a mutation returns. A mutation never waits longer than the staleness bound, 5 seconds by default. */
export type WaitFor =
  /** The change is committed. Caches follow within the staleness bound. */
  | 'COMMITTED'
  /** As GATEWAYS; in addition, no client with a lease uses the state before the change, and the guards in the service databases have been updated by the `operation` of the result. */
  | 'EVERYWHERE'
  /** No gateway serves the state before the change any more. */
  | 'GATEWAYS';

export type AboutQueryVariables = Exact<{
  registry: boolean;
}>;


export type AboutQuery = { viewer: { actor: string, scopes: Array<string>, expiresAt: string | null }, gateways?: Array<{ stalenessMs: number, isReporting: boolean }>, modules?: Array<{ name: string, isolation: Isolation, databaseRef: string, databaseName: string, migrationsFolder: string, latestMigration: string | null, isConfigured: boolean }>, planLimits?: Array<{ plan: Plan, maxUsers: number, maxMonthlyQuotes: number, maxStorageGb: number }> };

export type NewestChangeQueryVariables = Exact<{ [key: string]: never; }>;


export type NewestChangeQuery = { auditLog: { edges: Array<{ node: { revision: string } }> } };

export type RoutesChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type RoutesChangedSubscription = { routesChanged: { type: RouteChangeType, revision: string } };

export type AuditHeadQueryVariables = Exact<{ [key: string]: never; }>;


export type AuditHeadQuery = { auditLog: { edges: Array<{ node: { revision: string, position: number, hash: string, changedAt: string } }> } };

export type AuditModulesQueryVariables = Exact<{ [key: string]: never; }>;


export type AuditModulesQuery = { modules: Array<{ name: string }> };

export type AuditQueryVariables = Exact<{
  tenantId?: string | null | undefined;
  filter?: AuditLogFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type AuditQuery = { auditLog: { pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { revision: string, position: number, kind: AuditEventKind, kindText: string, tenantId: string | null, tenantSlug: string | null, module: string | null, entityId: string, actor: string, requestId: string | null, before: unknown, after: unknown, changedAt: string, hash: string } }> } };

export type RepairDriftMutationVariables = Exact<{
  input: RepairDriftInput;
}>;


export type RepairDriftMutation = { repairDrift: { revision: string, finding: { id: string, status: DriftStatus } } | null };

export type DriftQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: DriftFilter | null | undefined;
}>;


export type DriftQuery = { drift: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, code: string, severity: DriftSeverity, status: DriftStatus, tenantId: string | null, tenantSlug: string | null, module: string | null, databaseName: string | null, schemaName: string | null, objectKind: string | null, objectName: string | null, expected: string | null, found: string | null, problem: string, remedy: string, firstSeenAt: string, lastSeenAt: string, resolvedAt: string | null, resolvedBy: string | null } }> }, operations: { edges: Array<{ node: { id: string, kind: OperationKind, error: string | null, createdAt: string, tenant: { name: string } | null } }> } };

export type ExplainQueryVariables = Exact<{
  id: string;
  module: string;
  minMigration?: string | null | undefined;
}>;


export type ExplainQuery = { explainResolution: { code: ErrorCode | null, gate: ResolutionGate | null, message: string | null, tier: CacheTier | null, ageMs: number | null, revision: string | null, headRevision: string | null, leaseRemainingMs: number, route: { tenantId: string, tenantSlug: string, externalId: string | null, module: string, databaseName: string, schemaName: string, searchPath: string, isolation: Isolation, generation: number, migrationVersion: string | null, revision: string } | null } };

export type ExplainModulesQueryVariables = Exact<{ [key: string]: never; }>;


export type ExplainModulesQuery = { modules: Array<{ name: string }> };

export type GatewaysQueryVariables = Exact<{ [key: string]: never; }>;


export type GatewaysQuery = { gateways: Array<{ id: string, hostname: string, version: string | null, revision: string | null, lag: number | null, stalenessMs: number, isReporting: boolean, startedAt: string, reportedAt: string }> };

export type CreateApiKeyMutationVariables = Exact<{
  input: CreateApiKeyInput;
}>;


export type CreateApiKeyMutation = { createApiKey: { secret: string | null, revision: string, apiKey: { id: string, name: string, scopes: Array<string>, expiresAt: string | null } } | null };

export type RotateApiKeyMutationVariables = Exact<{
  input: RotateApiKeyInput;
}>;


export type RotateApiKeyMutation = { rotateApiKey: { secret: string | null, revision: string, apiKey: { id: string, name: string, scopes: Array<string>, expiresAt: string | null }, previous: { id: string, expiresAt: string | null } } | null };

export type RevokeApiKeyMutationVariables = Exact<{
  input: RevokeApiKeyInput;
}>;


export type RevokeApiKeyMutation = { revokeApiKey: { revision: string, apiKey: { id: string, name: string, revokedAt: string | null } } | null };

export type KeysQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: ApiKeyFilter | null | undefined;
}>;


export type KeysQuery = { apiKeys: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, name: string, scopes: Array<string>, createdAt: string, createdBy: string | null, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null } }> } };

export type RegisterModuleMutationVariables = Exact<{
  input: RegisterModuleInput;
}>;


export type RegisterModuleMutation = { registerModule: { revision: string, module: { name: string } } | null };

export type UpdateModuleMutationVariables = Exact<{
  input: UpdateModuleInput;
}>;


export type UpdateModuleMutation = { updateModule: { revision: string, module: { name: string, version: number } } | null };

export type RetireModuleMutationVariables = Exact<{
  input: RetireModuleInput;
}>;


export type RetireModuleMutation = { retireModule: { revision: string, module: { name: string, version: number } } | null };

export type RemoveModuleMutationVariables = Exact<{
  input: RemoveModuleInput;
}>;


export type RemoveModuleMutation = { removeModule: { name: string, revision: string } | null };

export type ModuleDetailQueryVariables = Exact<{
  name: string;
}>;


export type ModuleDetailQuery = { module: { id: string, name: string, description: string | null, databaseRef: string, databaseName: string, schemaPrefix: string, isolation: Isolation, migrationsFolder: string, isConfigured: boolean, latestMigration: string | null, isRetired: boolean, retiredAt: string | null, version: number, pools: Array<{ role: string, busy: number, idle: number, waiting: number }>, subscriptionCounts: Array<{ status: SubscriptionStatus, count: number }> } | null, modules: Array<{ name: string, databaseRef: string, databaseName: string }>, rollouts: { edges: Array<{ node: { id: string, status: RolloutStatus, targetVersion: string, createdAt: string, progress: { tenants: { total: number, succeeded: number } } } }> } };

export type ModulesQueryVariables = Exact<{ [key: string]: never; }>;


export type ModulesQuery = { modules: Array<{ id: string, name: string, description: string | null, databaseRef: string, databaseName: string, schemaPrefix: string, isolation: Isolation, migrationsFolder: string, isConfigured: boolean, latestMigration: string | null, isRetired: boolean, retiredAt: string | null, version: number, subscriptionCounts: Array<{ status: SubscriptionStatus, count: number }> }>, registryStats: { modules: Array<{ module: string, tenants: number }> } };

export type SlugForNameQueryVariables = Exact<{
  name: string;
}>;


export type SlugForNameQuery = { slugSuggestion: { slug: string } };

export type SlugCheckQueryVariables = Exact<{
  slug: string;
  name: string;
}>;


export type SlugCheckQuery = { tenant: { id: string, slug: string, name: string, status: TenantStatus } | null, slugSuggestion: { slug: string, isAvailable: boolean } };

export type OnboardingOperationQueryVariables = Exact<{
  slug: string;
}>;


export type OnboardingOperationQuery = { tenant: { operations: { edges: Array<{ node: { id: string, status: OperationStatus } }> } } | null };

export type OnboardingChoicesQueryVariables = Exact<{ [key: string]: never; }>;


export type OnboardingChoicesQuery = { modules: Array<{ name: string, description: string | null, isolation: Isolation, isConfigured: boolean, isRetired: boolean }>, planLimits: Array<{ plan: Plan, maxUsers: number, maxMonthlyQuotes: number, maxStorageGb: number }> };

export type RegisterTenantMutationVariables = Exact<{
  input: RegisterTenantInput;
}>;


export type RegisterTenantMutation = { registerTenant: { invitationToken: string | null, revision: string, tenant: { id: string, slug: string, name: string }, invitation: { expiresAt: string } | null } | null };

export type ProvisionTenantMutationVariables = Exact<{
  input: ProvisionTenantInput;
}>;


export type ProvisionTenantMutation = { provisionTenant: { invitationToken: string | null, revision: string, tenant: { id: string, slug: string, name: string }, operation: { id: string, status: OperationStatus } | null, invitation: { expiresAt: string } | null } | null };

export type OperationProgressSubscriptionVariables = Exact<{
  id: string;
}>;


export type OperationProgressSubscription = { operationProgress: { isEnd: boolean, operation: { id: string, kind: OperationKind, status: OperationStatus, error: string | null, cancelRequestedAt: string | null, progress: { total: number, succeeded: number, failed: number, cancelled: number } | null, steps: Array<{ name: OperationStepName, module: string | null, status: OperationStatus, error: string | null }> } } };

export type RetryOperationMutationVariables = Exact<{
  input: RetryOperationInput;
}>;


export type RetryOperationMutation = { retryOperation: { revision: string, operation: { id: string, status: OperationStatus } | null } | null };

export type CancelOperationMutationVariables = Exact<{
  input: CancelOperationInput;
}>;


export type CancelOperationMutation = { cancelOperation: { revision: string, operation: { id: string, status: OperationStatus } | null } | null };

export type OperationQueryVariables = Exact<{
  id: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  results?: OperationTenantResultFilter | null | undefined;
}>;


export type OperationQuery = { operation: { id: string, kind: OperationKind, status: OperationStatus, actor: string, attempt: number, requestId: string | null, input: unknown, createdAt: string, runAfter: string, startedAt: string | null, finishedAt: string | null, cancelRequestedAt: string | null, cancelRequestedBy: string | null, tenant: { slug: string, name: string } | null, progress: { total: number } | null, attempts: Array<{ id: string, number: number, status: OperationStatus, actor: string, requestId: string | null, runs: number, error: string | null, createdAt: string, cancelRequestedAt: string | null, cancelRequestedBy: string | null, steps: Array<{ name: OperationStepName, module: string | null, status: OperationStatus, error: string | null }> }>, tenantResults: { edges: Array<{ node: { reference: string, status: OperationStatus, code: ErrorCode | null, message: string | null, tenant: { slug: string, name: string } | null, operation: { id: string, status: OperationStatus } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null } | null };

export type OperationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: OperationFilter | null | undefined;
  orderBy?: OperationOrder | null | undefined;
}>;


export type OperationsQuery = { operations: { pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, kind: OperationKind, status: OperationStatus, error: string | null, actor: string, attempt: number, createdAt: string, tenant: { slug: string, name: string } | null, progress: { total: number } | null, steps: Array<{ module: string | null }> } }> }, registryStats: { operations: { queued: number, running: number, failed: number, needsAttention: number, medianMs: number | null, p95Ms: number | null }, modules: Array<{ module: string }> } };

export type OverviewDriftQueryVariables = Exact<{ [key: string]: never; }>;


export type OverviewDriftQuery = { drift: { totalCount: number } };

export type OverviewQueryVariables = Exact<{
  apiKeys?: boolean;
  expiringKeys?: ApiKeyFilter | null | undefined;
}>;


export type OverviewQuery = { registryStats: { tenants: { total: number, byStatus: Array<{ status: TenantStatus, count: number }>, byPlan: Array<{ plan: Plan, count: number }> }, modules: Array<{ module: string, tenants: number }>, growth: Array<{ start: string, registered: number, deleted: number }>, quotas: Array<{ metric: UsageMetric, tenantsAbove80Percent: number, tenantsAtLimit: number }>, operations: { queued: number, running: number, failed: number, needsAttention: number, medianMs: number | null, p95Ms: number | null, sampled: number } }, gateways: Array<{ id: string, hostname: string, version: string | null, lag: number | null, isReporting: boolean }>, operations: { edges: Array<{ node: { id: string, kind: OperationKind, status: OperationStatus, createdAt: string, tenant: { name: string } | null } }> }, rollouts: { edges: Array<{ node: { id: string, moduleName: string, status: RolloutStatus, progress: { tenants: { total: number, succeeded: number } } } }> }, apiKeys?: { totalCount: number } };

export type RolloutPlanQueryVariables = Exact<{
  module: string;
}>;


export type RolloutPlanQuery = { rolloutPlan: { module: string, targetVersion: string, tenantCount: number, behindCount: number, pending: Array<{ name: string, isTransactional: boolean, statements: Array<{ line: number, text: string, kind: string, lock: string | null, warnings: Array<{ code: string, message: string, remedy: string }> }> }>, problems: Array<{ file: string, line: number | null, code: string, problem: string, remedy: string }>, versions: Array<{ version: string | null, tenantCount: number, pending: Array<string> }>, excluded: Array<{ status: RolloutTenantStatus, reason: string, tenantCount: number, examples: Array<string> }> } };

export type WatchRolloutSubscriptionVariables = Exact<{
  id: string;
}>;


export type WatchRolloutSubscription = { rolloutProgress: { isEnd: boolean, rollout: { id: string, status: RolloutStatus, pauseReason: string | null, currentWave: number, version: number, finishedAt: string | null, progress: { tenants: { total: number, queued: number, running: number, succeeded: number, failed: number, blocked: number, skipped: number }, waves: Array<{ wave: number, tenants: { total: number, queued: number, running: number, succeeded: number, failed: number, blocked: number, skipped: number } }> }, tenants: { edges: Array<{ node: { tenantId: string, tenantSlug: string | null, wave: number, file: string | null, attempts: number, startedAt: string | null } }> } } } };

export type StartRolloutMutationVariables = Exact<{
  input: StartRolloutInput;
}>;


export type StartRolloutMutation = { startRollout: { revision: string, rollout: { id: string } } | null };

export type PauseRolloutMutationVariables = Exact<{
  input: PauseRolloutInput;
}>;


export type PauseRolloutMutation = { pauseRollout: { revision: string, rollout: { id: string, status: RolloutStatus, version: number } } | null };

export type ResumeRolloutMutationVariables = Exact<{
  input: ResumeRolloutInput;
}>;


export type ResumeRolloutMutation = { resumeRollout: { revision: string, rollout: { id: string, status: RolloutStatus, version: number } } | null };

export type RetryRolloutMutationVariables = Exact<{
  input: RetryRolloutInput;
}>;


export type RetryRolloutMutation = { retryRollout: { revision: string, rollout: { id: string, status: RolloutStatus, version: number } } | null };

export type SkipTenantInRolloutMutationVariables = Exact<{
  input: SkipTenantInRolloutInput;
}>;


export type SkipTenantInRolloutMutation = { skipTenantInRollout: { revision: string, rollout: { id: string, status: RolloutStatus, version: number } } | null };

export type CancelRolloutMutationVariables = Exact<{
  input: CancelRolloutInput;
}>;


export type CancelRolloutMutation = { cancelRollout: { revision: string, rollout: { id: string, status: RolloutStatus, version: number } } | null };

export type RolloutQueryVariables = Exact<{
  id: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: RolloutTenantFilter | null | undefined;
}>;


export type RolloutQuery = { rollout: { id: string, moduleName: string, status: RolloutStatus, pauseReason: string | null, targetVersion: string, files: Array<string>, currentWave: number, createdAt: string, createdBy: string, finishedAt: string | null, version: number, strategy: { canaryTenants: number | null, canaryPercent: number | null, pauseAfterCanary: boolean, waves: number, parallelism: number, errorBudgetCount: number | null, errorBudgetPercent: number | null, lockTimeoutMs: number, statementTimeoutMs: number }, progress: { tenants: { total: number, queued: number, running: number, succeeded: number, failed: number, blocked: number, skipped: number }, waves: Array<{ wave: number, tenants: { total: number, queued: number, running: number, succeeded: number, failed: number, blocked: number, skipped: number } }> }, tenants: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { tenantId: string, tenantSlug: string | null, wave: number, status: RolloutTenantStatus, fromVersion: string | null, toVersion: string | null, file: string | null, attempts: number, error: string | null, errorCode: string | null, violations: Array<unknown> | null, finishedAt: string | null, durationMs: number | null } }> } } | null };

export type RolloutsQueryVariables = Exact<{
  module?: string | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type RolloutsQuery = { modules: Array<{ name: string }>, rollouts: { pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, moduleName: string, status: RolloutStatus, pauseReason: string | null, targetVersion: string, currentWave: number, createdAt: string, createdBy: string, finishedAt: string | null, version: number, progress: { tenants: { total: number, queued: number, running: number, succeeded: number, failed: number, blocked: number, skipped: number } } } }> } };

export type RolloutTenantsQueryVariables = Exact<{
  id: string;
  first: number;
  after?: string | null | undefined;
  filter?: RolloutTenantFilter | null | undefined;
}>;


export type RolloutTenantsQuery = { rollout: { tenants: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { tenantId: string, tenantSlug: string | null, wave: number, status: RolloutTenantStatus, fromVersion: string | null, toVersion: string | null, file: string | null, attempts: number, errorCode: string | null, startedAt: string | null, durationMs: number | null } }> } } | null };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { actor: string, scopes: Array<string>, may: Array<string>, expiresAt: string | null, memberships: Array<{ role: MemberRole, may: Array<string>, tenant: { id: string, slug: string, name: string } }> } };

export type FindTenantsQueryVariables = Exact<{
  text: string;
}>;


export type FindTenantsQuery = { tenants: { edges: Array<{ node: { id: string, slug: string, name: string, status: TenantStatus } }> } };

export type BulkPreviewQueryVariables = Exact<{
  change: BulkChange;
  filter?: TenantFilter | null | undefined;
  tenantIds?: Array<string> | string | null | undefined;
  module?: string | null | undefined;
  isolation?: Isolation | null | undefined;
  plan?: Plan | null | undefined;
}>;


export type BulkPreviewQuery = { bulkPreview: { selected: number, selectedIsCapped: boolean, evaluated: number, changed: number, unchanged: number, refused: Array<{ code: ErrorCode, count: number }> } };

export type SuspendTenantsMutationVariables = Exact<{
  input: SuspendTenantsInput;
}>;


export type SuspendTenantsMutation = { suspendTenants: { revision: string, operation: { id: string } | null } | null };

export type ResumeTenantsMutationVariables = Exact<{
  input: ResumeTenantsInput;
}>;


export type ResumeTenantsMutation = { resumeTenants: { revision: string, operation: { id: string } | null } | null };

export type SubscribeTenantsMutationVariables = Exact<{
  input: SubscribeTenantsInput;
}>;


export type SubscribeTenantsMutation = { subscribeTenants: { revision: string, operation: { id: string } | null } | null };

export type UpdateTenantsMutationVariables = Exact<{
  input: UpdateTenantsInput;
}>;


export type UpdateTenantsMutation = { updateTenants: { revision: string, operation: { id: string } | null } | null };

export type BulkFailuresQueryVariables = Exact<{
  id: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type BulkFailuresQuery = { operation: { id: string, status: OperationStatus, tenantResults: { edges: Array<{ node: { reference: string, status: OperationStatus, code: ErrorCode | null, message: string | null, tenant: { id: string, slug: string, name: string } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null } | null };

export type TenantQueryVariables = Exact<{
  id: string;
  registry?: boolean;
}>;


export type TenantQuery = { tenant: { id: string, slug: string, name: string, shortName: string | null, status: TenantStatus, plan: Plan, timezone: string, currency: string, primaryEmail: string | null, gcpProjectId: string | null, gcpDataset: string | null, version: number, isProtected: boolean, internalNote?: string | null, createdAt: string, createdBy: string | null, updatedAt: string, suspendedAt: string | null, suspendedReason: string | null, suspendUntil: string | null, deletedAt: string | null, restorableUntil: string | null, configSource: ConfigSource, config: unknown, subscriptions: Array<{ id: string, status: SubscriptionStatus, isolation: Isolation, schemaName: string, databaseName: string, generation: number, migrationVersion: string | null, version: number, provisionedAt: string | null, suspendedAt: string | null, suspendedReason: string | null, purgeAfter: string | null, storageRemovedAt: string | null, module: { name: string, latestMigration: string | null }, history: { edges: Array<{ node: { id: string, number: number, kind: OperationKind, status: OperationStatus, actor: string, error: string | null, createdAt: string, steps: Array<{ name: OperationStepName, module: string | null, status: OperationStatus, error: string | null }> } }> } }>, settings: { companyName: string, supportEmail: string | null, supportPhone: string | null, website: string | null, currency: string, timezone: string, emailFromName: string | null, emailFromEmail: string | null, version: number } | null, branding: { presetTheme: string, logoUrl: string | null, primaryColor: string | null, secondaryColor: string | null, accentColor: string | null, version: number } | null, operations: { edges: Array<{ node: { id: string, kind: OperationKind, status: OperationStatus, actor: string, createdAt: string } }> } } | null };

export type UpdateTenantMutationVariables = Exact<{
  input: UpdateTenantInput;
}>;


export type UpdateTenantMutation = { updateTenant: { revision: string, tenant: { id: string, version: number } } | null };

export type UpdateTenantSettingsMutationVariables = Exact<{
  input: UpdateTenantSettingsInput;
}>;


export type UpdateTenantSettingsMutation = { updateTenantSettings: { revision: string, tenant: { id: string, version: number } } | null };

export type UpdateTenantBrandingMutationVariables = Exact<{
  input: UpdateTenantBrandingInput;
}>;


export type UpdateTenantBrandingMutation = { updateTenantBranding: { revision: string, tenant: { id: string, version: number } } | null };

export type UpdateTenantConfigMutationVariables = Exact<{
  input: UpdateTenantConfigInput;
}>;


export type UpdateTenantConfigMutation = { updateTenantConfig: { revision: string, tenant: { id: string, version: number } } | null };

export type AddTenantExternalIdMutationVariables = Exact<{
  input: AddTenantExternalIdInput;
}>;


export type AddTenantExternalIdMutation = { addTenantExternalId: { revision: string, tenant: { id: string, externalIds: Array<string> } } | null };

export type RemoveTenantExternalIdMutationVariables = Exact<{
  input: RemoveTenantExternalIdInput;
}>;


export type RemoveTenantExternalIdMutation = { removeTenantExternalId: { revision: string, tenant: { id: string, externalIds: Array<string> } } | null };

export type PurgeTenantMutationVariables = Exact<{
  input: PurgeTenantInput;
}>;


export type PurgeTenantMutation = { purgeTenant: { revision: string, tenant: { id: string }, operation: { id: string } | null } | null };

export type TenantLimitsQueryVariables = Exact<{
  id: string;
}>;


export type TenantLimitsQuery = { tenant: { id: string, version: number, externalIds: Array<string>, maxUsers: number, maxMonthlyQuotes: number, maxStorageGb: number, ownLimits: Array<UsageMetric>, usage: Array<{ metric: UsageMetric, used: number, limit: number, periodEnd: string | null }> } | null };

export type TenantRouteQueryVariables = Exact<{
  id: string;
  module: string;
}>;


export type TenantRouteQuery = { explainResolution: { code: ErrorCode | null, route: { schemaName: string, databaseName: string } | null } };

export type SuspendTenantMutationVariables = Exact<{
  input: SuspendTenantInput;
}>;


export type SuspendTenantMutation = { suspendTenant: { revision: string, tenant: { id: string, slug: string, name: string, version: number } } | null };

export type ResumeTenantMutationVariables = Exact<{
  input: ResumeTenantInput;
}>;


export type ResumeTenantMutation = { resumeTenant: { revision: string, tenant: { id: string, slug: string, name: string, version: number } } | null };

export type DeleteTenantMutationVariables = Exact<{
  input: DeleteTenantInput;
}>;


export type DeleteTenantMutation = { deleteTenant: { revision: string, tenant: { id: string, slug: string, name: string, version: number }, operation: { id: string } | null } | null };

export type RestoreTenantMutationVariables = Exact<{
  input: RestoreTenantInput;
}>;


export type RestoreTenantMutation = { restoreTenant: { revision: string, tenant: { id: string, slug: string, name: string, version: number }, operation: { id: string } | null } | null };

export type ExportTenantsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: TenantFilter | null | undefined;
  orderBy?: TenantOrder | null | undefined;
}>;


export type ExportTenantsQuery = { tenants: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, slug: string, name: string, shortName: string | null, status: TenantStatus, plan: Plan, primaryEmail: string | null, timezone: string, currency: string, createdAt: string, updatedAt: string, suspendedAt: string | null, suspendedReason: string | null, modulesSubscribed: Array<string> } }> } };

export type TenantsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: TenantFilter | null | undefined;
  orderBy?: TenantOrder | null | undefined;
}>;


export type TenantsQuery = { tenants: { totalCount: number, totalCountIsCapped: boolean, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, slug: string, name: string, status: TenantStatus, plan: Plan, primaryEmail: string | null, createdAt: string, updatedAt: string, suspendedAt: string | null, suspendedReason: string | null, modulesSubscribed: Array<string>, usage: Array<{ metric: UsageMetric, used: number, limit: number }> } }> }, registryStats: { modules: Array<{ module: string }> } };

export type InviteTenantMemberMutationVariables = Exact<{
  input: InviteTenantMemberInput;
}>;


export type InviteTenantMemberMutation = { inviteTenantMember: { invitationToken: string | null, revision: string, member: { id: string, email: string, status: MemberStatus }, invitation: { id: string, expiresAt: string } | null } | null };

export type UpdateTenantMemberMutationVariables = Exact<{
  input: UpdateTenantMemberInput;
}>;


export type UpdateTenantMemberMutation = { updateTenantMember: { revision: string, member: { id: string, role: MemberRole } } | null };

export type RemoveTenantMemberMutationVariables = Exact<{
  input: RemoveTenantMemberInput;
}>;


export type RemoveTenantMemberMutation = { removeTenantMember: { revision: string, member: { id: string, status: MemberStatus } } | null };

export type RevokeInvitationMutationVariables = Exact<{
  input: RevokeInvitationInput;
}>;


export type RevokeInvitationMutation = { revokeInvitation: { revision: string, member: { id: string } } | null };

export type MembersQueryVariables = Exact<{
  id: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type MembersQuery = { tenant: { id: string, members: { pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { id: string, email: string, fullName: string | null, role: MemberRole, status: MemberStatus, version: number, invitation: { id: string, expiresAt: string, isExpired: boolean } | null } }> } } | null };

export type ModuleNamesQueryVariables = Exact<{ [key: string]: never; }>;


export type ModuleNamesQuery = { modules: Array<{ name: string, description: string | null, isRetired: boolean, isConfigured: boolean, isolation: Isolation }> };

export type SubscribeTenantToModuleMutationVariables = Exact<{
  input: SubscribeTenantToModuleInput;
}>;


export type SubscribeTenantToModuleMutation = { subscribeTenantToModule: { revision: string, subscription: { id: string, status: SubscriptionStatus }, operation: { id: string } | null } | null };

export type UnsubscribeTenantFromModuleMutationVariables = Exact<{
  input: UnsubscribeTenantFromModuleInput;
}>;


export type UnsubscribeTenantFromModuleMutation = { unsubscribeTenantFromModule: { revision: string, subscription: { id: string, status: SubscriptionStatus }, operation: { id: string } | null } | null };

export type SuspendSubscriptionMutationVariables = Exact<{
  input: SuspendSubscriptionInput;
}>;


export type SuspendSubscriptionMutation = { suspendSubscription: { revision: string, subscription: { id: string, status: SubscriptionStatus } } | null };

export type ResumeSubscriptionMutationVariables = Exact<{
  input: ResumeSubscriptionInput;
}>;


export type ResumeSubscriptionMutation = { resumeSubscription: { revision: string, subscription: { id: string, status: SubscriptionStatus } } | null };

export type ProvisionModuleMutationVariables = Exact<{
  input: ProvisionModuleInput;
}>;


export type ProvisionModuleMutation = { provisionModule: { revision: string, subscription: { id: string, status: SubscriptionStatus }, operation: { id: string } | null } | null };

export type MarkModuleProvisionedMutationVariables = Exact<{
  input: MarkModuleProvisionedInput;
}>;


export type MarkModuleProvisionedMutation = { markModuleProvisioned: { revision: string, subscription: { id: string, status: SubscriptionStatus }, operation: { id: string } | null } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const AboutDocument = new TypedDocumentString(`
    query About($registry: Boolean!) {
  viewer {
    actor
    scopes
    expiresAt
  }
  gateways @include(if: $registry) {
    stalenessMs
    isReporting
  }
  modules @include(if: $registry) {
    name
    isolation
    databaseRef
    databaseName
    migrationsFolder
    latestMigration
    isConfigured
  }
  planLimits @include(if: $registry) {
    plan
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
  }
}
    `) as unknown as TypedDocumentString<AboutQuery, AboutQueryVariables>;
export const NewestChangeDocument = new TypedDocumentString(`
    query NewestChange {
  auditLog(first: 1) {
    edges {
      node {
        revision
      }
    }
  }
}
    `) as unknown as TypedDocumentString<NewestChangeQuery, NewestChangeQueryVariables>;
export const RoutesChangedDocument = new TypedDocumentString(`
    subscription RoutesChanged {
  routesChanged {
    type
    revision
  }
}
    `) as unknown as TypedDocumentString<RoutesChangedSubscription, RoutesChangedSubscriptionVariables>;
export const AuditHeadDocument = new TypedDocumentString(`
    query AuditHead {
  auditLog(first: 1) {
    edges {
      node {
        revision
        position
        hash
        changedAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<AuditHeadQuery, AuditHeadQueryVariables>;
export const AuditModulesDocument = new TypedDocumentString(`
    query AuditModules {
  modules {
    name
  }
}
    `) as unknown as TypedDocumentString<AuditModulesQuery, AuditModulesQueryVariables>;
export const AuditDocument = new TypedDocumentString(`
    query Audit($tenantId: ID, $filter: AuditLogFilter, $first: Int, $after: String, $last: Int, $before: String) {
  auditLog(
    tenantId: $tenantId
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        revision
        position
        kind
        kindText
        tenantId
        tenantSlug
        module
        entityId
        actor
        requestId
        before
        after
        changedAt
        hash
      }
    }
  }
}
    `) as unknown as TypedDocumentString<AuditQuery, AuditQueryVariables>;
export const RepairDriftDocument = new TypedDocumentString(`
    mutation RepairDrift($input: RepairDriftInput!) {
  repairDrift(input: $input) {
    finding {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RepairDriftMutation, RepairDriftMutationVariables>;
export const DriftDocument = new TypedDocumentString(`
    query Drift($first: Int, $after: String, $last: Int, $before: String, $filter: DriftFilter) {
  drift(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        code
        severity
        status
        tenantId
        tenantSlug
        module
        databaseName
        schemaName
        objectKind
        objectName
        expected
        found
        problem
        remedy
        firstSeenAt
        lastSeenAt
        resolvedAt
        resolvedBy
      }
    }
  }
  operations(first: 50, filter: {needsAttention: true}) {
    edges {
      node {
        id
        kind
        error
        createdAt
        tenant {
          name
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DriftQuery, DriftQueryVariables>;
export const ExplainDocument = new TypedDocumentString(`
    query Explain($id: ID!, $module: ModuleName!, $minMigration: String) {
  explainResolution(id: $id, module: $module, minMigration: $minMigration) {
    code
    gate
    message
    tier
    ageMs
    revision
    headRevision
    leaseRemainingMs
    route {
      tenantId
      tenantSlug
      externalId
      module
      databaseName
      schemaName
      searchPath
      isolation
      generation
      migrationVersion
      revision
    }
  }
}
    `) as unknown as TypedDocumentString<ExplainQuery, ExplainQueryVariables>;
export const ExplainModulesDocument = new TypedDocumentString(`
    query ExplainModules {
  modules {
    name
  }
}
    `) as unknown as TypedDocumentString<ExplainModulesQuery, ExplainModulesQueryVariables>;
export const GatewaysDocument = new TypedDocumentString(`
    query Gateways {
  gateways {
    id
    hostname
    version
    revision
    lag
    stalenessMs
    isReporting
    startedAt
    reportedAt
  }
}
    `) as unknown as TypedDocumentString<GatewaysQuery, GatewaysQueryVariables>;
export const CreateApiKeyDocument = new TypedDocumentString(`
    mutation CreateApiKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey {
      id
      name
      scopes
      expiresAt
    }
    secret
    revision
  }
}
    `) as unknown as TypedDocumentString<CreateApiKeyMutation, CreateApiKeyMutationVariables>;
export const RotateApiKeyDocument = new TypedDocumentString(`
    mutation RotateApiKey($input: RotateApiKeyInput!) {
  rotateApiKey(input: $input) {
    apiKey {
      id
      name
      scopes
      expiresAt
    }
    previous {
      id
      expiresAt
    }
    secret
    revision
  }
}
    `) as unknown as TypedDocumentString<RotateApiKeyMutation, RotateApiKeyMutationVariables>;
export const RevokeApiKeyDocument = new TypedDocumentString(`
    mutation RevokeApiKey($input: RevokeApiKeyInput!) {
  revokeApiKey(input: $input) {
    apiKey {
      id
      name
      revokedAt
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RevokeApiKeyMutation, RevokeApiKeyMutationVariables>;
export const KeysDocument = new TypedDocumentString(`
    query Keys($first: Int, $after: String, $last: Int, $before: String, $filter: ApiKeyFilter) {
  apiKeys(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    totalCount
    edges {
      node {
        id
        name
        scopes
        createdAt
        createdBy
        expiresAt
        revokedAt
        lastUsedAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<KeysQuery, KeysQueryVariables>;
export const RegisterModuleDocument = new TypedDocumentString(`
    mutation RegisterModule($input: RegisterModuleInput!) {
  registerModule(input: $input) {
    module {
      name
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RegisterModuleMutation, RegisterModuleMutationVariables>;
export const UpdateModuleDocument = new TypedDocumentString(`
    mutation UpdateModule($input: UpdateModuleInput!) {
  updateModule(input: $input) {
    module {
      name
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateModuleMutation, UpdateModuleMutationVariables>;
export const RetireModuleDocument = new TypedDocumentString(`
    mutation RetireModule($input: RetireModuleInput!) {
  retireModule(input: $input) {
    module {
      name
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RetireModuleMutation, RetireModuleMutationVariables>;
export const RemoveModuleDocument = new TypedDocumentString(`
    mutation RemoveModule($input: RemoveModuleInput!) {
  removeModule(input: $input) {
    name
    revision
  }
}
    `) as unknown as TypedDocumentString<RemoveModuleMutation, RemoveModuleMutationVariables>;
export const ModuleDetailDocument = new TypedDocumentString(`
    query ModuleDetail($name: ModuleName!) {
  module(name: $name) {
    id
    name
    description
    databaseRef
    databaseName
    schemaPrefix
    isolation
    migrationsFolder
    isConfigured
    pools {
      role
      busy
      idle
      waiting
    }
    latestMigration
    isRetired
    retiredAt
    version
    subscriptionCounts {
      status
      count
    }
  }
  modules {
    name
    databaseRef
    databaseName
  }
  rollouts(first: 5, module: $name) {
    edges {
      node {
        id
        status
        targetVersion
        createdAt
        progress {
          tenants {
            total
            succeeded
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ModuleDetailQuery, ModuleDetailQueryVariables>;
export const ModulesDocument = new TypedDocumentString(`
    query Modules {
  modules {
    id
    name
    description
    databaseRef
    databaseName
    schemaPrefix
    isolation
    migrationsFolder
    isConfigured
    latestMigration
    isRetired
    retiredAt
    version
    subscriptionCounts {
      status
      count
    }
  }
  registryStats {
    modules {
      module
      tenants
    }
  }
}
    `) as unknown as TypedDocumentString<ModulesQuery, ModulesQueryVariables>;
export const SlugForNameDocument = new TypedDocumentString(`
    query SlugForName($name: String!) {
  slugSuggestion(name: $name) {
    slug
  }
}
    `) as unknown as TypedDocumentString<SlugForNameQuery, SlugForNameQueryVariables>;
export const SlugCheckDocument = new TypedDocumentString(`
    query SlugCheck($slug: ID!, $name: String!) {
  tenant(id: $slug) {
    id
    slug
    name
    status
  }
  slugSuggestion(name: $name) {
    slug
    isAvailable
  }
}
    `) as unknown as TypedDocumentString<SlugCheckQuery, SlugCheckQueryVariables>;
export const OnboardingOperationDocument = new TypedDocumentString(`
    query OnboardingOperation($slug: ID!) {
  tenant(id: $slug) {
    operations(first: 1) {
      edges {
        node {
          id
          status
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<OnboardingOperationQuery, OnboardingOperationQueryVariables>;
export const OnboardingChoicesDocument = new TypedDocumentString(`
    query OnboardingChoices {
  modules {
    name
    description
    isolation
    isConfigured
    isRetired
  }
  planLimits {
    plan
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
  }
}
    `) as unknown as TypedDocumentString<OnboardingChoicesQuery, OnboardingChoicesQueryVariables>;
export const RegisterTenantDocument = new TypedDocumentString(`
    mutation RegisterTenant($input: RegisterTenantInput!) {
  registerTenant(input: $input) {
    tenant {
      id
      slug
      name
    }
    invitation {
      expiresAt
    }
    invitationToken
    revision
  }
}
    `) as unknown as TypedDocumentString<RegisterTenantMutation, RegisterTenantMutationVariables>;
export const ProvisionTenantDocument = new TypedDocumentString(`
    mutation ProvisionTenant($input: ProvisionTenantInput!) {
  provisionTenant(input: $input) {
    tenant {
      id
      slug
      name
    }
    operation {
      id
      status
    }
    invitation {
      expiresAt
    }
    invitationToken
    revision
  }
}
    `) as unknown as TypedDocumentString<ProvisionTenantMutation, ProvisionTenantMutationVariables>;
export const OperationProgressDocument = new TypedDocumentString(`
    subscription OperationProgress($id: ID!) {
  operationProgress(id: $id) {
    isEnd
    operation {
      id
      kind
      status
      error
      cancelRequestedAt
      progress {
        total
        succeeded
        failed
        cancelled
      }
      steps {
        name
        module
        status
        error
      }
    }
  }
}
    `) as unknown as TypedDocumentString<OperationProgressSubscription, OperationProgressSubscriptionVariables>;
export const RetryOperationDocument = new TypedDocumentString(`
    mutation RetryOperation($input: RetryOperationInput!) {
  retryOperation(input: $input) {
    operation {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RetryOperationMutation, RetryOperationMutationVariables>;
export const CancelOperationDocument = new TypedDocumentString(`
    mutation CancelOperation($input: CancelOperationInput!) {
  cancelOperation(input: $input) {
    operation {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<CancelOperationMutation, CancelOperationMutationVariables>;
export const OperationDocument = new TypedDocumentString(`
    query Operation($id: ID!, $first: Int, $after: String, $results: OperationTenantResultFilter) {
  operation(id: $id) {
    id
    kind
    status
    actor
    attempt
    requestId
    input
    createdAt
    runAfter
    startedAt
    finishedAt
    cancelRequestedAt
    cancelRequestedBy
    tenant {
      slug
      name
    }
    progress {
      total
    }
    attempts {
      id
      number
      status
      actor
      requestId
      runs
      error
      createdAt
      cancelRequestedAt
      cancelRequestedBy
      steps {
        name
        module
        status
        error
      }
    }
    tenantResults(first: $first, after: $after, filter: $results) {
      edges {
        node {
          reference
          status
          code
          message
          tenant {
            slug
            name
          }
          operation {
            id
            status
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<OperationQuery, OperationQueryVariables>;
export const OperationsDocument = new TypedDocumentString(`
    query Operations($first: Int, $after: String, $last: Int, $before: String, $filter: OperationFilter, $orderBy: OperationOrder) {
  operations(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
    orderBy: $orderBy
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        kind
        status
        error
        actor
        attempt
        createdAt
        tenant {
          slug
          name
        }
        progress {
          total
        }
        steps {
          module
        }
      }
    }
  }
  registryStats {
    operations {
      queued
      running
      failed
      needsAttention
      medianMs
      p95Ms
    }
    modules {
      module
    }
  }
}
    `) as unknown as TypedDocumentString<OperationsQuery, OperationsQueryVariables>;
export const OverviewDriftDocument = new TypedDocumentString(`
    query OverviewDrift {
  drift(first: 1, filter: {status: [OPEN]}) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<OverviewDriftQuery, OverviewDriftQueryVariables>;
export const OverviewDocument = new TypedDocumentString(`
    query Overview($apiKeys: Boolean! = true, $expiringKeys: ApiKeyFilter) {
  registryStats {
    tenants {
      total
      byStatus {
        status
        count
      }
      byPlan {
        plan
        count
      }
    }
    modules {
      module
      tenants
    }
    growth(by: DAY, timezone: "UTC") {
      start
      registered
      deleted
    }
    quotas {
      metric
      tenantsAbove80Percent
      tenantsAtLimit
    }
    operations {
      queued
      running
      failed
      needsAttention
      medianMs
      p95Ms
      sampled
    }
  }
  gateways {
    id
    hostname
    version
    lag
    isReporting
  }
  operations(
    first: 20
    filter: {status: [RUNNING, COMPENSATING, FAILED, NEEDS_ATTENTION]}
  ) {
    edges {
      node {
        id
        kind
        status
        createdAt
        tenant {
          name
        }
      }
    }
  }
  rollouts(first: 5) {
    edges {
      node {
        id
        moduleName
        status
        progress {
          tenants {
            total
            succeeded
          }
        }
      }
    }
  }
  apiKeys(filter: $expiringKeys) @include(if: $apiKeys) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<OverviewQuery, OverviewQueryVariables>;
export const RolloutPlanDocument = new TypedDocumentString(`
    query RolloutPlan($module: ModuleName!) {
  rolloutPlan(module: $module) {
    module
    targetVersion
    tenantCount
    behindCount
    pending {
      name
      isTransactional
      statements {
        line
        text
        kind
        lock
        warnings {
          code
          message
          remedy
        }
      }
    }
    problems {
      file
      line
      code
      problem
      remedy
    }
    versions {
      version
      tenantCount
      pending
    }
    excluded {
      status
      reason
      tenantCount
      examples
    }
  }
}
    `) as unknown as TypedDocumentString<RolloutPlanQuery, RolloutPlanQueryVariables>;
export const WatchRolloutDocument = new TypedDocumentString(`
    subscription WatchRollout($id: ID!) {
  rolloutProgress(id: $id) {
    isEnd
    rollout {
      id
      status
      pauseReason
      currentWave
      version
      finishedAt
      progress {
        tenants {
          total
          queued
          running
          succeeded
          failed
          blocked
          skipped
        }
        waves {
          wave
          tenants {
            total
            queued
            running
            succeeded
            failed
            blocked
            skipped
          }
        }
      }
      tenants(first: 16, filter: {status: [RUNNING]}) {
        edges {
          node {
            tenantId
            tenantSlug
            wave
            file
            attempts
            startedAt
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<WatchRolloutSubscription, WatchRolloutSubscriptionVariables>;
export const StartRolloutDocument = new TypedDocumentString(`
    mutation StartRollout($input: StartRolloutInput!) {
  startRollout(input: $input) {
    rollout {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<StartRolloutMutation, StartRolloutMutationVariables>;
export const PauseRolloutDocument = new TypedDocumentString(`
    mutation PauseRollout($input: PauseRolloutInput!) {
  pauseRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<PauseRolloutMutation, PauseRolloutMutationVariables>;
export const ResumeRolloutDocument = new TypedDocumentString(`
    mutation ResumeRollout($input: ResumeRolloutInput!) {
  resumeRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<ResumeRolloutMutation, ResumeRolloutMutationVariables>;
export const RetryRolloutDocument = new TypedDocumentString(`
    mutation RetryRollout($input: RetryRolloutInput!) {
  retryRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RetryRolloutMutation, RetryRolloutMutationVariables>;
export const SkipTenantInRolloutDocument = new TypedDocumentString(`
    mutation SkipTenantInRollout($input: SkipTenantInRolloutInput!) {
  skipTenantInRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SkipTenantInRolloutMutation, SkipTenantInRolloutMutationVariables>;
export const CancelRolloutDocument = new TypedDocumentString(`
    mutation CancelRollout($input: CancelRolloutInput!) {
  cancelRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<CancelRolloutMutation, CancelRolloutMutationVariables>;
export const RolloutDocument = new TypedDocumentString(`
    query Rollout($id: ID!, $first: Int, $after: String, $filter: RolloutTenantFilter) {
  rollout(id: $id) {
    id
    moduleName
    status
    pauseReason
    targetVersion
    files
    currentWave
    createdAt
    createdBy
    finishedAt
    version
    strategy {
      canaryTenants
      canaryPercent
      pauseAfterCanary
      waves
      parallelism
      errorBudgetCount
      errorBudgetPercent
      lockTimeoutMs
      statementTimeoutMs
    }
    progress {
      tenants {
        total
        queued
        running
        succeeded
        failed
        blocked
        skipped
      }
      waves {
        wave
        tenants {
          total
          queued
          running
          succeeded
          failed
          blocked
          skipped
        }
      }
    }
    tenants(first: $first, after: $after, filter: $filter) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          tenantId
          tenantSlug
          wave
          status
          fromVersion
          toVersion
          file
          attempts
          error
          errorCode
          violations
          finishedAt
          durationMs
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RolloutQuery, RolloutQueryVariables>;
export const RolloutsDocument = new TypedDocumentString(`
    query Rollouts($module: ModuleName, $first: Int, $after: String, $last: Int, $before: String) {
  modules {
    name
  }
  rollouts(
    first: $first
    after: $after
    last: $last
    before: $before
    module: $module
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        moduleName
        status
        pauseReason
        targetVersion
        currentWave
        createdAt
        createdBy
        finishedAt
        version
        progress {
          tenants {
            total
            queued
            running
            succeeded
            failed
            blocked
            skipped
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RolloutsQuery, RolloutsQueryVariables>;
export const RolloutTenantsDocument = new TypedDocumentString(`
    query RolloutTenants($id: ID!, $first: Int!, $after: String, $filter: RolloutTenantFilter) {
  rollout(id: $id) {
    tenants(first: $first, after: $after, filter: $filter) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          tenantId
          tenantSlug
          wave
          status
          fromVersion
          toVersion
          file
          attempts
          errorCode
          startedAt
          durationMs
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RolloutTenantsQuery, RolloutTenantsQueryVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    actor
    scopes
    may
    expiresAt
    memberships(first: 50) {
      role
      may
      tenant {
        id
        slug
        name
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const FindTenantsDocument = new TypedDocumentString(`
    query FindTenants($text: String!) {
  tenants(first: 8, filter: {text: $text}) {
    edges {
      node {
        id
        slug
        name
        status
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FindTenantsQuery, FindTenantsQueryVariables>;
export const BulkPreviewDocument = new TypedDocumentString(`
    query BulkPreview($change: BulkChange!, $filter: TenantFilter, $tenantIds: [ID!], $module: ModuleName, $isolation: Isolation, $plan: Plan) {
  bulkPreview(
    change: $change
    filter: $filter
    tenantIds: $tenantIds
    module: $module
    isolation: $isolation
    plan: $plan
  ) {
    selected
    selectedIsCapped
    evaluated
    changed
    unchanged
    refused {
      code
      count
    }
  }
}
    `) as unknown as TypedDocumentString<BulkPreviewQuery, BulkPreviewQueryVariables>;
export const SuspendTenantsDocument = new TypedDocumentString(`
    mutation SuspendTenants($input: SuspendTenantsInput!) {
  suspendTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SuspendTenantsMutation, SuspendTenantsMutationVariables>;
export const ResumeTenantsDocument = new TypedDocumentString(`
    mutation ResumeTenants($input: ResumeTenantsInput!) {
  resumeTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<ResumeTenantsMutation, ResumeTenantsMutationVariables>;
export const SubscribeTenantsDocument = new TypedDocumentString(`
    mutation SubscribeTenants($input: SubscribeTenantsInput!) {
  subscribeTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SubscribeTenantsMutation, SubscribeTenantsMutationVariables>;
export const UpdateTenantsDocument = new TypedDocumentString(`
    mutation UpdateTenants($input: UpdateTenantsInput!) {
  updateTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantsMutation, UpdateTenantsMutationVariables>;
export const BulkFailuresDocument = new TypedDocumentString(`
    query BulkFailures($id: ID!, $first: Int, $after: String) {
  operation(id: $id) {
    id
    status
    tenantResults(
      first: $first
      after: $after
      filter: {statuses: [FAILED, CANCELLED, COMPENSATED, NEEDS_ATTENTION]}
    ) {
      edges {
        node {
          reference
          status
          code
          message
          tenant {
            id
            slug
            name
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BulkFailuresQuery, BulkFailuresQueryVariables>;
export const TenantDocument = new TypedDocumentString(`
    query Tenant($id: ID!, $registry: Boolean! = true) {
  tenant(id: $id) {
    id
    slug
    name
    shortName
    status
    plan
    timezone
    currency
    primaryEmail
    gcpProjectId
    gcpDataset
    version
    isProtected
    internalNote @include(if: $registry)
    createdAt
    createdBy
    updatedAt
    suspendedAt
    suspendedReason
    suspendUntil
    deletedAt
    restorableUntil
    subscriptions {
      id
      module {
        name
        latestMigration
      }
      status
      isolation
      schemaName
      databaseName
      generation
      migrationVersion
      version
      provisionedAt
      suspendedAt
      suspendedReason
      purgeAfter
      storageRemovedAt
      history(first: 10) {
        edges {
          node {
            id
            number
            kind
            status
            actor
            error
            createdAt
            steps {
              name
              module
              status
              error
            }
          }
        }
      }
    }
    configSource
    config
    settings {
      companyName
      supportEmail
      supportPhone
      website
      currency
      timezone
      emailFromName
      emailFromEmail
      version
    }
    branding {
      presetTheme
      logoUrl
      primaryColor
      secondaryColor
      accentColor
      version
    }
    operations(first: 20) {
      edges {
        node {
          id
          kind
          status
          actor
          createdAt
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TenantQuery, TenantQueryVariables>;
export const UpdateTenantDocument = new TypedDocumentString(`
    mutation UpdateTenant($input: UpdateTenantInput!) {
  updateTenant(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantMutation, UpdateTenantMutationVariables>;
export const UpdateTenantSettingsDocument = new TypedDocumentString(`
    mutation UpdateTenantSettings($input: UpdateTenantSettingsInput!) {
  updateTenantSettings(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantSettingsMutation, UpdateTenantSettingsMutationVariables>;
export const UpdateTenantBrandingDocument = new TypedDocumentString(`
    mutation UpdateTenantBranding($input: UpdateTenantBrandingInput!) {
  updateTenantBranding(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantBrandingMutation, UpdateTenantBrandingMutationVariables>;
export const UpdateTenantConfigDocument = new TypedDocumentString(`
    mutation UpdateTenantConfig($input: UpdateTenantConfigInput!) {
  updateTenantConfig(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantConfigMutation, UpdateTenantConfigMutationVariables>;
export const AddTenantExternalIdDocument = new TypedDocumentString(`
    mutation AddTenantExternalId($input: AddTenantExternalIdInput!) {
  addTenantExternalId(input: $input) {
    tenant {
      id
      externalIds
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<AddTenantExternalIdMutation, AddTenantExternalIdMutationVariables>;
export const RemoveTenantExternalIdDocument = new TypedDocumentString(`
    mutation RemoveTenantExternalId($input: RemoveTenantExternalIdInput!) {
  removeTenantExternalId(input: $input) {
    tenant {
      id
      externalIds
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RemoveTenantExternalIdMutation, RemoveTenantExternalIdMutationVariables>;
export const PurgeTenantDocument = new TypedDocumentString(`
    mutation PurgeTenant($input: PurgeTenantInput!) {
  purgeTenant(input: $input) {
    tenant {
      id
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<PurgeTenantMutation, PurgeTenantMutationVariables>;
export const TenantLimitsDocument = new TypedDocumentString(`
    query TenantLimits($id: ID!) {
  tenant(id: $id) {
    id
    version
    externalIds
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
    ownLimits
    usage {
      metric
      used
      limit
      periodEnd
    }
  }
}
    `) as unknown as TypedDocumentString<TenantLimitsQuery, TenantLimitsQueryVariables>;
export const TenantRouteDocument = new TypedDocumentString(`
    query TenantRoute($id: ID!, $module: ModuleName!) {
  explainResolution(id: $id, module: $module) {
    code
    route {
      schemaName
      databaseName
    }
  }
}
    `) as unknown as TypedDocumentString<TenantRouteQuery, TenantRouteQueryVariables>;
export const SuspendTenantDocument = new TypedDocumentString(`
    mutation SuspendTenant($input: SuspendTenantInput!) {
  suspendTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SuspendTenantMutation, SuspendTenantMutationVariables>;
export const ResumeTenantDocument = new TypedDocumentString(`
    mutation ResumeTenant($input: ResumeTenantInput!) {
  resumeTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<ResumeTenantMutation, ResumeTenantMutationVariables>;
export const DeleteTenantDocument = new TypedDocumentString(`
    mutation DeleteTenant($input: DeleteTenantInput!) {
  deleteTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<DeleteTenantMutation, DeleteTenantMutationVariables>;
export const RestoreTenantDocument = new TypedDocumentString(`
    mutation RestoreTenant($input: RestoreTenantInput!) {
  restoreTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RestoreTenantMutation, RestoreTenantMutationVariables>;
export const ExportTenantsDocument = new TypedDocumentString(`
    query ExportTenants($first: Int, $after: String, $filter: TenantFilter, $orderBy: TenantOrder) {
  tenants(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        slug
        name
        shortName
        status
        plan
        primaryEmail
        timezone
        currency
        createdAt
        updatedAt
        suspendedAt
        suspendedReason
        modulesSubscribed
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExportTenantsQuery, ExportTenantsQueryVariables>;
export const TenantsDocument = new TypedDocumentString(`
    query Tenants($first: Int, $after: String, $last: Int, $before: String, $filter: TenantFilter, $orderBy: TenantOrder) {
  tenants(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
    orderBy: $orderBy
  ) {
    totalCount
    totalCountIsCapped
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        slug
        name
        status
        plan
        primaryEmail
        createdAt
        updatedAt
        suspendedAt
        suspendedReason
        modulesSubscribed
        usage {
          metric
          used
          limit
        }
      }
    }
  }
  registryStats {
    modules {
      module
    }
  }
}
    `) as unknown as TypedDocumentString<TenantsQuery, TenantsQueryVariables>;
export const InviteTenantMemberDocument = new TypedDocumentString(`
    mutation InviteTenantMember($input: InviteTenantMemberInput!) {
  inviteTenantMember(input: $input) {
    member {
      id
      email
      status
    }
    invitation {
      id
      expiresAt
    }
    invitationToken
    revision
  }
}
    `) as unknown as TypedDocumentString<InviteTenantMemberMutation, InviteTenantMemberMutationVariables>;
export const UpdateTenantMemberDocument = new TypedDocumentString(`
    mutation UpdateTenantMember($input: UpdateTenantMemberInput!) {
  updateTenantMember(input: $input) {
    member {
      id
      role
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UpdateTenantMemberMutation, UpdateTenantMemberMutationVariables>;
export const RemoveTenantMemberDocument = new TypedDocumentString(`
    mutation RemoveTenantMember($input: RemoveTenantMemberInput!) {
  removeTenantMember(input: $input) {
    member {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RemoveTenantMemberMutation, RemoveTenantMemberMutationVariables>;
export const RevokeInvitationDocument = new TypedDocumentString(`
    mutation RevokeInvitation($input: RevokeInvitationInput!) {
  revokeInvitation(input: $input) {
    member {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RevokeInvitationMutation, RevokeInvitationMutationVariables>;
export const MembersDocument = new TypedDocumentString(`
    query Members($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  tenant(id: $id) {
    id
    members(first: $first, after: $after, last: $last, before: $before) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        node {
          id
          email
          fullName
          role
          status
          version
          invitation {
            id
            expiresAt
            isExpired
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MembersQuery, MembersQueryVariables>;
export const ModuleNamesDocument = new TypedDocumentString(`
    query ModuleNames {
  modules {
    name
    description
    isRetired
    isConfigured
    isolation
  }
}
    `) as unknown as TypedDocumentString<ModuleNamesQuery, ModuleNamesQueryVariables>;
export const SubscribeTenantToModuleDocument = new TypedDocumentString(`
    mutation SubscribeTenantToModule($input: SubscribeTenantToModuleInput!) {
  subscribeTenantToModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SubscribeTenantToModuleMutation, SubscribeTenantToModuleMutationVariables>;
export const UnsubscribeTenantFromModuleDocument = new TypedDocumentString(`
    mutation UnsubscribeTenantFromModule($input: UnsubscribeTenantFromModuleInput!) {
  unsubscribeTenantFromModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<UnsubscribeTenantFromModuleMutation, UnsubscribeTenantFromModuleMutationVariables>;
export const SuspendSubscriptionDocument = new TypedDocumentString(`
    mutation SuspendSubscription($input: SuspendSubscriptionInput!) {
  suspendSubscription(input: $input) {
    subscription {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SuspendSubscriptionMutation, SuspendSubscriptionMutationVariables>;
export const ResumeSubscriptionDocument = new TypedDocumentString(`
    mutation ResumeSubscription($input: ResumeSubscriptionInput!) {
  resumeSubscription(input: $input) {
    subscription {
      id
      status
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<ResumeSubscriptionMutation, ResumeSubscriptionMutationVariables>;
export const ProvisionModuleDocument = new TypedDocumentString(`
    mutation ProvisionModule($input: ProvisionModuleInput!) {
  provisionModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<ProvisionModuleMutation, ProvisionModuleMutationVariables>;
export const MarkModuleProvisionedDocument = new TypedDocumentString(`
    mutation MarkModuleProvisioned($input: MarkModuleProvisionedInput!) {
  markModuleProvisioned(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<MarkModuleProvisionedMutation, MarkModuleProvisionedMutationVariables>;