/** A tenant's configuration: its shape with descriptions, and its validation. */
import { z } from 'zod';
import { type FieldProblem, invalidField, invalidFields } from '../../errors.js';
import { email } from '../../registry/input.js';
import type { ConfigRules } from '../../registry/values/config-rules.js';
import { findSecrets, secretReference, variablePrefix } from '../../registry/values/secret-detector.js';
import { color, webAddress } from '../profile-fields.js';
import { findPrivateHost, findPrivateUrl } from '../web-address.js';
import { isObject } from './merge-patch.js';
import { findReferenceProblems } from './secret-reference.js';

const text = (max: number) => z.string().max(max, `must have at most ${max} characters`);
const name = text(200);
const port = z.int().min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535');
const host = z.string().regex(/^[A-Za-z0-9.-]{1,253}$/, 'must be the name of a host');
const secret = z
  .string()
  .regex(secretReference, `must name a variable, such as \${ACME_API_KEY}`)
  .describe(
    `A reference such as \${ACME_API_KEY}; the value stays in the environment of the service that uses it.`,
  );
const agent = z
  .strictObject({
    enabled: z.boolean().optional().describe('Whether the agent is switched on.'),
    prompt_file: text(500)
      .refine(isPathInside, 'must be a relative path such as prompts/inbound.txt, without .. and \\')
      .optional()
      .describe('Path of the agent’s prompt, relative to the folder of prompts of the service.'),
  })
  .optional();

/** The shape of a configuration. Every part may be missing. */
export const TenantConfigShape = z
  .strictObject({
    branding: z
      .strictObject({
        company_name: name.optional().describe('Name on documents.'),
        logo_url: webAddress.nullable().optional().describe('URL of the logo; null for none.'),
        primary_color: color.optional().describe('Main colour, #rrggbb.'),
        secondary_color: color.optional().describe('Second colour, #rrggbb.'),
        accent_color: color.optional().describe('Accent colour, #rrggbb.'),
        theme_id: text(100).optional().describe('Theme on which the colours are based.'),
        email_signature: text(5_000).optional().describe('Signature at the end of e-mails.'),
      })
      .optional()
      .describe('Appearance of documents and e-mails.'),
    destinations: z
      .array(
        z.strictObject({
          name: name.describe('Display name.'),
          code: text(20).describe('Short code, such as ZNZ.'),
          enabled: z.boolean().default(true).describe('Whether the destination is offered; default true.'),
          aliases: z.array(name).max(100).optional().describe('Further names.'),
        }),
      )
      .max(2_000)
      .optional()
      .describe('Destinations that the tenant sells.'),
    infrastructure: z
      .strictObject({
        gcp: z
          .strictObject({
            project_id: text(100).optional().describe('Google Cloud project.'),
            dataset: text(1024).optional().describe('BigQuery dataset in the project.'),
            region: text(100).optional().describe('Region, such as us-central1.'),
            corpus_id: text(500).nullable().optional().describe('Corpus for retrieval; null for none.'),
          })
          .optional()
          .describe('Google Cloud.'),
        supabase: z
          .strictObject({
            url: z
              .union([secret, webAddress], 'must be an http or https URL or a reference')
              .optional()
              .describe('URL, or a reference.'),
            anon_key: secret.optional(),
          })
          .optional()
          .describe('Supabase. The service key is not allowed, not even as a reference.'),
        vapi: z
          .strictObject({
            api_key: secret.optional(),
            phone_number_id: text(100).optional().describe('Phone number of outgoing calls.'),
            assistant_id: text(100).optional().describe('Assistant for the calls.'),
          })
          .optional()
          .describe('Vapi, for phone calls.'),
        openai: z
          .strictObject({ api_key: secret.optional(), model: text(100).optional().describe('Model.') })
          .optional()
          .describe('OpenAI.'),
        sendgrid: z.strictObject({ api_key: secret.optional() }).optional().describe('SendGrid.'),
      })
      .optional()
      .describe('External services of the tenant.'),
    email: z
      .strictObject({
        primary: email.optional().describe('Main e-mail address of the tenant.'),
        sendgrid: z
          .strictObject({
            api_key: secret.optional(),
            from_email: email.optional().describe('Sender’s address.'),
            from_name: name.optional().describe('Sender’s name.'),
            reply_to: email.optional().describe('Address for replies.'),
          })
          .optional()
          .describe('E-mail through SendGrid.'),
        smtp: z
          .strictObject({
            host: host.optional().describe('Server.'),
            port: port.optional().describe('Port.'),
            username: text(254).optional().describe('User.'),
            password: secret.optional(),
          })
          .optional()
          .describe('E-mail through the tenant’s own server.'),
        imap: z
          .strictObject({
            host: host.optional().describe('Server.'),
            port: port.optional().describe('Port.'),
          })
          .optional()
          .describe('Server from which e-mail is read.'),
      })
      .optional()
      .describe('E-mail.'),
    banking: z
      .strictObject({
        bank_name: name.optional().describe('Bank.'),
        account_name: name.optional().describe('Holder.'),
        account_number: text(50).optional().describe('Account.'),
        branch_code: text(20).optional().describe('Branch.'),
        swift_code: text(20).optional().describe('BIC.'),
        reference_prefix: text(20).optional().describe('Prefix of every payment reference.'),
      })
      .optional()
      .describe('Bank account for payments of customers.'),
    consultants: z
      .array(
        z.strictObject({
          id: text(100).describe('Unique in this list.'),
          name: name.describe('Display name.'),
          email: email.optional().describe('Address.'),
          active: z.boolean().optional().describe('Whether the consultant gets new customers.'),
        }),
      )
      .max(2_000)
      .optional()
      .describe('Consultants who advise customers.'),
    agents: z
      .strictObject({
        inbound: agent.describe('Answers calls.'),
        helpdesk: agent.describe('Answers questions.'),
        outbound: agent.describe('Calls customers.'),
      })
      .optional()
      .describe('Automatic agents.'),
    extensions: z
      .record(z.string(), z.json())
      .optional()
      .describe('Keys from an import that the shape does not know.'),
  })
  .describe('Configuration of the services that a tenant uses. Every part may be missing.');

export type TenantConfig = z.output<typeof TenantConfigShape>;

/** More levels than any real configuration has. */
const maxDepth = 50;

/** A configuration or a patch of one, before its shape is looked at. */
export const configObject = z
  .custom<object>(isObject, 'must be a JSON object')
  .refine((config) => depthOf(config) <= maxDepth, `must be at most ${maxDepth} levels deep`);

/** Counts level by level: a patch of a million brackets must not exhaust the stack, neither here nor later. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; level.length > 0; depth++)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  return depth;
}

/** Maximum length of the configuration's JSON, in characters. */
const maxConfigLength = 500_000;

/** The tenant of a configuration and the operator's rules. */
export interface ConfigScope extends ConfigRules {
  slug: string;
}

/** Validates a configuration. Throws SECRET_IN_CONFIG or VALIDATION_ERROR with every path; neither repeats a value. */
export function readTenantConfig(config: unknown, scope: ConfigScope): TenantConfig {
  const secrets = findSecrets(config);
  if (secrets.length > 0) {
    const variable = `\${${variablePrefix(scope.slug)}…}`;
    const problems = secrets.map(({ path, looksLike }) => ({
      field: path,
      message: `looks like ${looksLike}: keep it in the environment of the service that uses it and write a reference here, such as ${variable}`,
    }));
    throw invalidFields(problems, 'SECRET_IN_CONFIG');
  }
  if (JSON.stringify(config).length > maxConfigLength)
    throw invalidField('config', `must have at most ${maxConfigLength} characters`);
  const read = TenantConfigShape.safeParse(config, { error: describeIssue });
  const problems = [
    ...findReferenceProblems(config, scope),
    ...(read.success ? findPrivateAddresses(read.data, scope) : read.error.issues.flatMap(toProblems)),
  ];
  if (read.success && problems.length === 0) return read.data;
  throw invalidFields(problems);
}

/** Finds the URLs and hosts that are not public. */
function findPrivateAddresses(
  { branding, infrastructure, email }: TenantConfig,
  { allowsPrivateUrls }: ConfigRules,
): FieldProblem[] {
  if (allowsPrivateUrls) return [];
  const found = {
    'branding.logo_url': findPrivateUrl(branding?.logo_url ?? ''),
    'infrastructure.supabase.url': findPrivateUrl(infrastructure?.supabase?.url ?? ''),
    'email.smtp.host': email?.smtp?.host && findPrivateHost(email.smtp.host),
    'email.imap.host': email?.imap?.host && findPrivateHost(email.imap.host),
  };
  return Object.entries(found).flatMap(([field, message]) => (message ? [{ field, message }] : []));
}

/** Whether a path stays inside its folder on every system, also after a program has decoded or normalised it. */
function isPathInside(path: string): boolean {
  const plain = path.normalize('NFKC');
  if (plain === '' || /^[/~]|[\\\p{C}]|%(2e|2f|5c|00)|^[A-Za-z][A-Za-z0-9+.-]*:/iu.test(plain)) return false;
  return !plain.split('/').includes('..');
}

/** Returns the shape as JSON Schema, for editors and programs that write configurations. */
export function tenantConfigJsonSchema(): object {
  return z.toJSONSchema(TenantConfigShape, { io: 'input' });
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'),
      message: 'is not a key of a configuration; put keys without a place of their own under extensions',
    }));
  return [{ field: path.join('.') || 'config', message: issue.message }];
}

/** zod's own message repeats the value in some cases. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return `must be ${issue.expected}`;
  return undefined;
}

/** Returns the shape in one line: "branding {company_name, …}, destinations [{name, …}], …". */
export function describeTenantConfig(): string {
  return `Shape: ${outline(tenantConfigJsonSchema()).slice(1, -1)}. Every api_key, anon_key and password is a reference such as \`\${ACME_API_KEY}\`.`;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

function outline({ properties, items }: JsonSchema): string {
  if (items) return items.properties ? `[${outline(items)}]` : '';
  if (!properties) return '';
  const parts = Object.entries(properties).map(([key, value]) => `${key} ${outline(value)}`.trim());
  return `{${parts.join(', ')}}`;
}
