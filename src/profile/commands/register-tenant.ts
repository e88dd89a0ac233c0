import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, optional, readInput, slug, text, uuid, wait } from '../../registry/input.js';
import { deriveSlug } from '../../registry/slug.js';
import { givenFields, tenantFields } from '../../registry/tenant-fields.js';
import { insertTenant } from '../tenant-profile.js';

const RegisterTenantInput = z.object({
  id: optional(uuid),
  name: text(200),
  slug: optional(slug),
  ...tenantFields,
  idempotencyKey: optional(idempotencyKey),
  wait: optional(wait),
});

/** A new ACTIVE tenant with settings and branding; the slug is derived from the name when none is given. */
export async function registerTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerTenant');
  const wanted = readInput(RegisterTenantInput, input);
  const { idempotencyKey: _, wait: __, ...fields } = wanted;
  const tenantSlug = wanted.slug ?? deriveSlug(wanted.name);
  return runCommand(context, 'registerTenant', wanted, async (tx) => {
    const tenant = await insertTenant(tx, {
      ...givenFields(fields),
      slug: tenantSlug,
      createdBy: context.caller.actor,
    });
    return { tenantId: tenant.id };
  });
}
