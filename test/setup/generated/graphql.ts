/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** How a module keeps its tenants apart. */
export type Isolation =
  /** A database per tenant on the module’s server. */
  | 'DATABASE'
  /** A schema per tenant in the module’s database. */
  | 'SCHEMA';

/** How far a piece of work, or one step of it, has come. */
export type OperationStatus =
  /** Not done, because something before it failed or it was called off. */
  | 'CANCELLED'
  /** Failed, and everything it had made is gone again. */
  | 'COMPENSATED'
  /** Failed; what was made is being taken away again. */
  | 'COMPENSATING'
  /** Ended without effect; `error` says why. */
  | 'FAILED'
  /** Failed and could not be undone; a person has to look at `error`. */
  | 'NEEDS_ATTENTION'
  /** Not begun. */
  | 'QUEUED'
  /** Being worked on. */
  | 'RUNNING'
  /** Done; its effect is visible. */
  | 'SUCCEEDED';

/** What a tenant pays for. */
export type Plan =
  /** The plan with terms of its own. */
  | 'ENTERPRISE'
  /** The plan a tenant starts with. */
  | 'LITE'
  /** The plan for growing tenants. */
  | 'PRO';

/** A new tenant. */
export type RegisterTenantInput = {
  /** The first admin, who is invited; also the primary address when none is given. */
  adminEmail?: string | null | undefined;
  /** Name of the first admin, at most 200 characters. */
  adminFullName?: string | null | undefined;
  /** How its pages look. */
  branding?: TenantBrandingInput | null | undefined;
  /** Configuration of the services it uses. Shape: branding {company_name, logo_url, primary_color, secondary_color, accent_color, theme_id, email_signature}, destinations [{name, code, enabled, aliases}], infrastructure {gcp {project_id, dataset, region, corpus_id}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}, email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}, banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}, consultants [{id, name, email, active}], agents {inbound {enabled, prompt_file}, helpdesk {enabled, prompt_file}, outbound {enabled, prompt_file}}, extensions. Every api_key, anon_key and password is a reference such as `${ACME_API_KEY}`. */
  config?: unknown;
  /** ISO 4217 code; default ZAR. */
  currency?: string | null | undefined;
  /** BigQuery dataset in that project. */
  gcpDataset?: string | null | undefined;
  /** Google Cloud project. */
  gcpProjectId?: string | null | undefined;
  /** UUID to keep, for a tenant known elsewhere already; default a new one. */
  id?: string | null | undefined;
  /** Any text chosen by the client, at most 200 characters. The same key with the same input within 24 hours is answered again without being done again, an operation that failed included; with another input it is refused as IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Quota: quotes per month; default 100. */
  maxMonthlyQuotes?: number | null | undefined;
  /** Quota: storage in GB; default 1. */
  maxStorageGb?: number | null | undefined;
  /** Quota: members; default 5. */
  maxUsers?: number | null | undefined;
  /** Name for people, at most 200 characters. */
  name: string;
  /** Default LITE. */
  plan?: Plan | null | undefined;
  /** Where the tenant is written to. */
  primaryEmail?: string | null | undefined;
  /** How it presents itself. */
  settings?: TenantSettingsInput | null | undefined;
  /** Name for narrow places, at most 50 characters. */
  shortName?: string | null | undefined;
  /** `^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`, 2 to 40 characters; default derived from the name. Never changes. */
  slug?: string | null | undefined;
  /** IANA time zone; default Africa/Johannesburg. */
  timezone?: string | null | undefined;
  /** Whom to wait for; default GATEWAYS, for suspendTenant EVERYWHERE. */
  wait?: WaitFor | null | undefined;
};

/** Who gets what. */
export type SubscribeTenantToModuleInput = {
  /** Any text chosen by the client, at most 200 characters. The same key with the same input within 24 hours is answered again without being done again, an operation that failed included; with another input it is refused as IDEMPOTENCY_KEY_REUSED. */
  idempotencyKey?: string | null | undefined;
  /** Default: the module’s. */
  isolation?: Isolation | null | undefined;
  /** The module. */
  module: string;
  /** Whether to make the storage now. Without it the subscription waits in PENDING. */
  provision?: boolean;
  /** An explicit name for the schema (or database): `^[a-z][a-z0-9_]{0,62}$`. Default: the module’s prefix and the slug with - as _, with a suffix when another tenant has that name. */
  schemaName?: string | null | undefined;
  /** UUID or slug of the tenant. */
  tenantId: string;
  /** Whom to wait for; default GATEWAYS, for suspendTenant EVERYWHERE. */
  wait?: WaitFor | null | undefined;
};

/** How a new tenant’s pages look; default the theme professional_blue. */
export type TenantBrandingInput = {
  /** Colour of what stands out, `#rrggbb`. */
  accentColor?: string | null | undefined;
  /** Its logo, http or https. */
  logoUrl?: string | null | undefined;
  /** The theme the colours start from, at most 100 characters. */
  presetTheme?: string | null | undefined;
  /** Main colour, `#rrggbb`. */
  primaryColor?: string | null | undefined;
  /** Second colour, `#rrggbb`. */
  secondaryColor?: string | null | undefined;
};

/** How a new tenant presents itself; what is left out follows its name, addresses, currency and time zone. */
export type TenantSettingsInput = {
  /** Name on documents and pages, at most 200 characters. */
  companyName?: string | null | undefined;
  /** ISO 4217 code of its prices. */
  currency?: string | null | undefined;
  /** Sender’s address of its mails; null: the support address. */
  emailFromEmail?: string | null | undefined;
  /** Sender’s name of its mails, at most 200 characters. */
  emailFromName?: string | null | undefined;
  /** Where customers ask for help. */
  supportEmail?: string | null | undefined;
  /** Where customers call for help. */
  supportPhone?: string | null | undefined;
  /** IANA time zone of its dates. */
  timezone?: string | null | undefined;
  /** Its own site, http or https. */
  website?: string | null | undefined;
};

/** Whom a mutation waits for before it is answered; never longer than the staleness bound D, 5 s by default. */
export type WaitFor =
  /** Nobody: the change is committed, caches follow within D. */
  | 'COMMITTED'
  /** Every gateway, every client that holds a lease, and the guards in the service databases, which follow by the payload’s `operation`. */
  | 'EVERYWHERE'
  /** Every gateway: none of them answers from before the change any more. */
  | 'GATEWAYS';

export type RegisterTenantMutationVariables = Exact<{
  input: RegisterTenantInput;
}>;


export type RegisterTenantMutation = { registerTenant: { revision: string, tenant: { id: string, slug: string } } };

export type SubscribeTenantMutationVariables = Exact<{
  input: SubscribeTenantToModuleInput;
}>;


export type SubscribeTenantMutation = { subscribeTenantToModule: { revision: string, operation: { status: OperationStatus, error: string | null } | null } };

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
      status
      error
    }
    revision
  }
}
    `) as unknown as TypedDocumentString<SubscribeTenantMutation, SubscribeTenantMutationVariables>;