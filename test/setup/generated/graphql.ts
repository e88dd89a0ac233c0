/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Separation of the tenants’ data in a module. */
export type Isolation =
  /** One database per tenant on the module’s server. */
  | 'DATABASE'
  /** One schema per tenant in the module’s database. */
  | 'SCHEMA';

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

/** Plan that a tenant pays for. */
export type Plan =
  /** Plan with individual terms. */
  | 'ENTERPRISE'
  /** Plan of a new tenant. */
  | 'LITE'
  /** Plan for growing tenants. */
  | 'PRO';

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

/** Point at which a mutation returns. A mutation never waits longer than the staleness bound, 5 seconds by default. */
export type WaitFor =
  /** The change is committed. Caches follow within the staleness bound. */
  | 'COMMITTED'
  /** As GATEWAYS; in addition, no client with a lease uses the state before the change, and the guards in the service databases have been updated by the `operation` of the result. */
  | 'EVERYWHERE'
  /** No gateway serves the state before the change any more. */
  | 'GATEWAYS';

export type RegisterTenantMutationVariables = Exact<{
  input: RegisterTenantInput;
}>;


export type RegisterTenantMutation = { registerTenant: { revision: string, tenant: { id: string, slug: string } } | null };

export type SubscribeTenantMutationVariables = Exact<{
  input: SubscribeTenantToModuleInput;
}>;


export type SubscribeTenantMutation = { subscribeTenantToModule: { revision: string, operation: { id: string, status: OperationStatus, error: string | null } | null } | null };

export type ReadOperationQueryVariables = Exact<{
  id: string;
}>;


export type ReadOperationQuery = { operation: { id: string, status: OperationStatus, error: string | null } | null };

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

export const RegisterTenantDocument = new TypedDocumentString(`
    mutation RegisterTenant($input: RegisterTenantInput!) {
  registerTenant(input: $input) {
    tenant {
      id
      slug
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<RegisterTenantMutation, RegisterTenantMutationVariables>;
export const SubscribeTenantDocument = new TypedDocumentString(`
    mutation SubscribeTenant($input: SubscribeTenantToModuleInput!) {
  subscribeTenantToModule(input: $input) {
    operation {
      id
      status
      error
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SubscribeTenantMutation, SubscribeTenantMutationVariables>;
export const ReadOperationDocument = new TypedDocumentString(`
    query ReadOperation($id: ID!) {
  operation(id: $id) {
    id
    status
    error
  }
}
    `) as unknown as TypedDocumentString<ReadOperationQuery, ReadOperationQueryVariables>;