import { z } from 'zod';
import { email, idempotencyKey, moduleNames, slug, text } from '../registry/input.js';
import { slugPattern } from '../registry/slug.js';
import { shownStatuses, type TenantRecord } from '../registry/tenant-record.js';

/** A tenant without `modules` gets a database of its own. */
const modulesByDefault = ['dbtools'];

export const maxPage = 1_000;

const statusNames = shownStatuses.map((status) => status.toLowerCase());

/** A rule in code has no JSON Schema; this says most of it. */
const slugAsDescribed = slug.meta({ pattern: slugPattern.source, minLength: 2, maxLength: 40 });

/** A tenant as this door shows it. */
export const Tenant = z
  .object({
    id: z.guid(),
    name: z.string().meta({ description: 'Name for people.' }),
    slug: z.string().meta({ description: 'Name for programs; never changes.' }),
    status: z.enum(statusNames).meta({ description: 'Only an active tenant resolves.' }),
    created_at: z.iso.datetime().meta({ description: 'When it was registered.' }),
  })
  .meta({ description: 'A tenant.' });

export const TenantList = z.array(Tenant);

export const NewTenant = z
  .strictObject(
    {
      name: text(200).meta({ description: 'Name for people.', examples: ['Acme Corp'] }),
      slug: slugAsDescribed.meta({
        description:
          'Name for programs, which never changes; does not start with pg_ and cannot look like a UUID.',
        examples: ['acme'],
      }),
      modules: moduleNames.nullish().meta({
        description: 'The modules to subscribe it to.',
        default: modulesByDefault,
      }),
      admin_email: email.nullish().meta({
        description: 'The first admin, and the tenant’s primary address; left out: nobody.',
        format: 'email',
      }),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined) },
  )
  .meta({ description: 'A tenant to be registered, subscribed and provisioned.' });

export const Page = z.strictObject({
  limit: z.coerce
    .number({ error: 'must be a whole number' })
    .int('must be a whole number')
    .min(1, 'must be 1 or more')
    .max(maxPage, `must be at most ${maxPage}`)
    .optional()
    .meta({ description: 'How many at most; left out: all of them.' }),
  after: slugAsDescribed.optional().meta({
    description: 'The slug behind which the page begins, such as that of the last tenant on the page before.',
  }),
});

export const Nothing = z.strictObject({});

export const Repeatable = z.object({
  'Idempotency-Key': idempotencyKey.meta({
    description:
      'Any text chosen by the client, at most 200 characters. The same key with the same request within 24 hours is ' +
      'answered again without being done again, a failure included.',
  }),
});

export function showTenant({ id, name, slug, status, createdAt }: TenantRecord): z.input<typeof Tenant> {
  return { id, name, slug, status: status.toLowerCase(), created_at: createdAt.toISOString() };
}

/** The same in the words of provisionTenant. */
export function toProvisioning({ name, slug, modules, admin_email }: z.output<typeof NewTenant>) {
  return { name, slug, modules: modules ?? modulesByDefault, adminEmail: admin_email };
}
