import { z } from 'zod';
import { newTenantFields } from '../profile/onboarding.js';
import { brandingFields, settingsFields } from '../profile/profile-fields.js';
import { email, idempotencyKey, moduleNames, omittable, readInput, slug } from '../registry/input.js';
import { shownStatuses } from '../registry/lists/tenant-filter.js';
import { slugPattern } from '../registry/slug.js';
import type { TenantRecord } from '../registry/tenants/tenant-record.js';
import { answerFields, inSnakeCase, toInput } from './field-names.js';

/** Default of `modules`: the module that gives a tenant a database of its own. */
const modulesByDefault = ['dbtools'];

export const maxPage = 1_000;

const statusNames = shownStatuses.map((status) => status.toLowerCase());

/** Rules in code are missing in the JSON Schema; these keywords describe most of them. */
const slugAsDescribed = slug.meta({ pattern: slugPattern.source, minLength: 2, maxLength: 40 });

/** A tenant in the REST API. */
export const Tenant = z
  .object({
    id: z.guid(),
    name: z.string().meta({ description: 'Display name.' }),
    slug: z.string().meta({ description: 'Short name for programs; it never changes.' }),
    status: z.enum(statusNames).meta({ description: 'Status of the tenant. Only active tenants resolve.' }),
    external_ids: z.array(z.string()).meta({
      description: 'Ids under which older platforms know the tenant. Each resolves like the slug.',
    }),
    created_at: z.iso.datetime().meta({ description: 'When the tenant was registered.' }),
  })
  .meta({ description: 'A tenant.' });

export const TenantList = z.array(Tenant);

/** The tenant of POST. Its invitation is shown once and stored nowhere. */
export const CreatedTenant = Tenant.extend({
  invitation_token: z.string().optional().meta({
    description:
      'Token with which the first admin accepts the invitation. It is shown only in the first answer; absent when nobody was invited.',
  }),
}).meta({ description: 'A new tenant.' });

const notAnObject = {
  error: (issue: z.core.$ZodRawIssue) =>
    issue.code === 'invalid_type' ? 'must be a JSON object' : undefined,
};

/** Bodies of PUT, and the parts of a new tenant. Absent fields get their defaults. */
export const NewSettings = z.strictObject(inSnakeCase(settingsFields), notAnObject).meta({
  description: 'Settings of a tenant. Defaults come from its name, address, currency and time zone.',
});
export const NewBranding = z
  .strictObject(inSnakeCase(brandingFields), notAnObject)
  .meta({ description: 'Branding of a tenant.' });

export const TenantSettings = z
  .object(answerFields(settingsFields))
  .meta({ description: 'Settings of a tenant. The sender address is the support address when none is set.' });
export const TenantBranding = z
  .object(answerFields(brandingFields))
  .meta({ description: 'Branding of a tenant.' });

const { settings: _, branding: __, config, ...plainFields } = newTenantFields;

/** Scripts of before send null for these two when they have no value. */
const nullableByScripts = {
  modules: moduleNames.nullish().meta({
    description: 'Modules to which the tenant is subscribed.',
    default: modulesByDefault,
  }),
  admin_email: email.nullish().meta({
    description: `${newTenantFields.adminEmail.description} Default: none.`,
    format: 'email',
  }),
};

export const NewTenant = z
  .strictObject(
    {
      ...inSnakeCase(plainFields),
      name: newTenantFields.name.meta({
        description: newTenantFields.name.description,
        examples: ['Acme Corp'],
      }),
      slug: slugAsDescribed.meta({
        description:
          'Short name for programs. It never changes, does not begin with pg_ and does not look like a UUID.',
        examples: ['acme'],
      }),
      ...nullableByScripts,
      settings: omittable(NewSettings),
      branding: omittable(NewBranding),
      config: config.meta({ description: config.description, $ref: '#/components/schemas/TenantConfig' }),
    },
    notAnObject,
  )
  .meta({ description: 'A tenant to register, subscribe and provision.' });

export const Page = z.strictObject({
  limit: z.coerce
    .number({ error: 'must be a whole number' })
    .int('must be a whole number')
    .min(1, 'must be 1 or more')
    .max(maxPage, `must be at most ${maxPage}`)
    .optional()
    .meta({ description: 'Maximum number of tenants. Default: all tenants.' }),
  after: slugAsDescribed.optional().meta({
    description: 'Slug after which the page begins, usually the last one of the previous page.',
  }),
});

export const NoQuery = z.strictObject({});

export const IfMatchHeader = z.object({
  'If-Match': z
    .string()
    .regex(/^(\*|(W\/)?"[0-9]{1,9}")$/, 'must be the ETag of the answer to a GET, or *')
    .optional()
    .meta({
      description:
        'The ETag of an earlier answer. When the current one is different, the request is refused with VERSION_CONFLICT.',
    }),
});

export const IdempotencyHeader = z.object({
  'Idempotency-Key': idempotencyKey.meta({
    description:
      'Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same request returns the ' +
      'first answer, a failure included, without doing the work again.',
  }),
});

export function showTenant(tenant: TenantRecord): z.input<typeof Tenant> {
  const { id, name, slug, status, externalIds, createdAt } = tenant;
  const shown = { id, name, slug, status: status.toLowerCase(), external_ids: externalIds };
  return { ...shown, created_at: createdAt.toISOString() };
}

/** The input of provisionTenant for a request. */
export function toProvisioning({ modules, admin_email, ...body }: z.output<typeof NewTenant>) {
  return {
    ...toInput(body, ['settings', 'branding']),
    modules: modules ?? modulesByDefault,
    adminEmail: admin_email ?? undefined,
  };
}

const NewTenantPart = NewTenant.partial();

/** The input of provisionTenant for fields that a file gives as a body of POST does. Throws VALIDATION_ERROR. */
export function readNewTenantFile(given: unknown): Record<string, unknown> {
  return toInput(readInput(NewTenantPart, given), ['settings', 'branding']);
}
