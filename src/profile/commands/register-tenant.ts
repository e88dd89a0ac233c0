import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  idempotencyKey,
  omittable,
  optional,
  readInput,
  slug,
  text,
  uuid,
  wait,
} from '../../registry/input.js';
import { deriveSlug } from '../../registry/slug.js';
import { givenFields, ownLimits, tenantFields } from '../../registry/tenant-fields.js';
import { createInvitationToken } from '../invitation.js';
import { onboardingFields, putFirstAdmin, readProfile } from '../onboarding.js';
import { insertTenant } from '../tenant-profile.js';

const RegisterTenantInput = z.object({
  id: optional(uuid),
  name: text(200),
  slug: optional(slug),
  ...tenantFields,
  ...onboardingFields,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Registers an ACTIVE tenant with settings, branding, configuration and, when one is named, its first admin. The slug
 * is derived from the name when none is given. Only this response has the invitation's token: a repeated request gets
 * null.
 */
export async function registerTenant(context: CommandContext, input: unknown) {
  const { actor } = context.caller;
  authorize(context.caller, 'registerTenant');
  const wanted = readInput(RegisterTenantInput, input);
  const { idempotencyKey: _, wait: __, ...rest } = wanted;
  const { adminEmail, adminFullName: ___, settings, branding, config, ...fields } = rest;
  const tenantSlug = wanted.slug ?? deriveSlug(wanted.name);
  const profile = readProfile(wanted, tenantSlug, context.configRules);
  const token = createInvitationToken();
  const registered = await runCommand(context, 'registerTenant', wanted, async (tx) => {
    const primaryEmail = fields.primaryEmail ?? adminEmail;
    const given = givenFields({
      ...{ ...fields, ownLimits: ownLimits(fields) },
      ...{ primaryEmail, slug: tenantSlug, createdBy: actor },
    });
    const tenant = await insertTenant(tx, context.caller, given, profile, context.configRules);
    const { invitationId } = await putFirstAdmin(tx, tenant, wanted, { token, actor });
    return { tenantId: tenant.id, invitationId };
  });
  return { ...registered, token: registered.repeated || registered.invitationId === null ? null : token };
}
