import { z } from 'zod';
import { email, idempotencyKey, moduleNames, slug, text } from '../registry/input.js';
import { shownStatuses } from '../registry/lists/tenant-filter.js';
import { slugPattern } from '../registry/slug.js';
import type { TenantRecord } from '../registry/tenant-record.js';

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
    created_at: z.iso.datetime().meta({ description: 'When the tenant was registered.' }),
  })
  .meta({ description: 'A tenant.' });

export const TenantList = z.array(Tenant);

export const NewTenant = z
  .strictObject(
    {
      name: text(200).meta({ description: 'Display name, at most 200 characters.', examples: ['Acme Corp'] }),
      slug: slugAsDescribed.meta({
        description:
          'Short name for programs. It never changes, does not begin with pg_ and does not look like a UUID.',
        examples: ['acme'],
      }),
      modules: moduleNames.nullish().meta({
        description: 'Modules to which the tenant is subscribed.',
        default: modulesByDefault,
      }),
      admin_email: email.nullish().meta({
        description: 'E-mail address of the first admin and primary address of the tenant. Default: none.',
        format: 'email',
      }),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined) },
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

export const IdempotencyHeader = z.object({
  'Idempotency-Key': idempotencyKey.meta({
    description:
      'Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same request returns the ' +
      'first answer, a failure included, without doing the work again.',
  }),
});

export function showTenant({ id, name, slug, status, createdAt }: TenantRecord): z.input<typeof Tenant> {
  return { id, name, slug, status: status.toLowerCase(), created_at: createdAt.toISOString() };
}

/** The input of provisionTenant for a request. */
export function toProvisioning({ name, slug, modules, admin_email }: z.output<typeof NewTenant>) {
  return { name, slug, modules: modules ?? modulesByDefault, adminEmail: admin_email ?? undefined };
}
