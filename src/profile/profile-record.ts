import type { Action } from '../auth/permissions.js';
import type { TenantBranding, TenantSettings } from '../database/generated/prisma/client.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { tenantNotFound } from '../registry/resolution/route.js';
import { authorizeByTenant, findByReference } from '../registry/tenants/tenant.js';

/** Settings as their readers use them: the sender address is the support address when none is set. Throws as findProfile does. */
export async function requireSettings(
  context: CommandContext,
  reference: string,
  action: Action = 'readTenant',
): Promise<TenantSettings> {
  const { slug, settings } = await findProfile(context, reference, action);
  if (!settings) throw missing(slug, 'settings');
  return { ...settings, emailFromEmail: settings.emailFromEmail ?? settings.supportEmail };
}

export async function requireBranding(
  context: CommandContext,
  reference: string,
  action: Action = 'readTenant',
): Promise<TenantBranding> {
  const { slug, branding } = await findProfile(context, reference, action);
  if (!branding) throw missing(slug, 'branding');
  return branding;
}

/** `action` is the right that the caller needs: the answer to a change shows the part to those who may change it. Throws FORBIDDEN, TENANT_MISMATCH to members of other tenants, TENANT_NOT_FOUND. */
async function findProfile(
  { caller, database: { prisma } }: CommandContext,
  reference: string,
  action: Action,
) {
  await authorizeByTenant(prisma, caller, action, reference);
  const select = { slug: true, status: true, settings: true, branding: true } as const;
  const tenant = await findByReference(prisma, reference, (where) =>
    prisma.tenant.findUnique({ where, select }),
  );
  if (!tenant || tenant.status === 'PURGED') throw tenantNotFound(reference);
  return tenant;
}

function missing(slug: string, part: 'settings' | 'branding'): RegistryError {
  const mutation = part === 'settings' ? 'updateTenantSettings' : 'updateTenantBranding';
  return new RegistryError(
    'NOT_FOUND',
    `Tenant ${slug} has no ${part}: write ${part} with ${mutation} or PUT`,
  );
}
