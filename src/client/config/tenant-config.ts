/** A tenant's configuration. Every part is optional; secrets are values of this service's environment. */
export interface TenantConfig {
  readonly branding?: {
    readonly company_name?: string;
    readonly logo_url?: string | null;
    readonly primary_color?: string;
    readonly secondary_color?: string;
    readonly accent_color?: string;
    readonly theme_id?: string;
    readonly email_signature?: string;
  };
  readonly destinations?: readonly {
    readonly name: string;
    readonly code: string;
    readonly enabled: boolean;
    readonly aliases?: readonly string[];
  }[];
  readonly infrastructure?: {
    readonly gcp?: {
      readonly project_id?: string;
      readonly dataset?: string;
      readonly region?: string;
      readonly corpus_id?: string | null;
    };
    readonly supabase?: { readonly url?: string; readonly anon_key?: string };
    readonly vapi?: {
      readonly api_key?: string;
      readonly phone_number_id?: string;
      readonly assistant_id?: string;
    };
    readonly openai?: { readonly api_key?: string; readonly model?: string };
    readonly sendgrid?: { readonly api_key?: string };
  };
  readonly email?: {
    readonly primary?: string;
    readonly sendgrid?: {
      readonly api_key?: string;
      readonly from_email?: string;
      readonly from_name?: string;
      readonly reply_to?: string;
    };
    readonly smtp?: {
      readonly host?: string;
      readonly port?: number;
      readonly username?: string;
      readonly password?: string;
    };
    readonly imap?: { readonly host?: string; readonly port?: number };
  };
  readonly banking?: {
    readonly bank_name?: string;
    readonly account_name?: string;
    readonly account_number?: string;
    readonly branch_code?: string;
    readonly swift_code?: string;
    readonly reference_prefix?: string;
  };
  readonly consultants?: readonly {
    readonly id: string;
    readonly name: string;
    readonly email?: string;
    readonly active?: boolean;
  }[];
  readonly agents?: Readonly<
    Partial<
      Record<
        'inbound' | 'helpdesk' | 'outbound',
        { readonly enabled?: boolean; readonly prompt_file?: string }
      >
    >
  >;
  /** Keys that an import kept because the shape has no place for them. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}
