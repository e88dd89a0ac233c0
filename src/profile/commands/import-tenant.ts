import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Prisma } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { omittable, readInput, wait } from '../../registry/input.js';
import { requireOwnVariables, requireUnusedPrefix } from '../config/variable-owners.js';
import { decideImport, ImportedTenantShape, type StoredTenant } from '../tenant-import.js';

const ImportTenantInput = z.object({
  wanted: ImportedTenantShape,
  /** The source of the configuration from now on. */
  source: z.enum(['YAML', 'DATABASE']),
  /** Also overwrites a configuration in the registry. */
  force: z.boolean(),
  wait: omittable(wait),
});

type Wanted = z.output<typeof ImportTenantInput>;

/**
 * Writes a tenant as a file describes it: tenant, settings, branding and configuration together. The decision is made
 * again here under the tenant's lock, and the result reports it.
 */
export async function importTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerTenant');
  authorize(context.caller, 'updateTenantConfig');
  const wanted = readInput(ImportTenantInput, input);
  return runCommand(context, 'importTenant', { wait: wanted.wait }, async (tx) => {
    const stored = await findLocked(tx, wanted.wanted.slug);
    const verdict = decideImport(stored, wanted.wanted, wanted);
    let tenantId = stored?.id ?? null;
    if (verdict.action === 'create' || verdict.action === 'update') {
      const { slug, config } = wanted.wanted;
      if (!stored) requireUnusedPrefix(tx, slug, true);
      await requireOwnVariables(tx, config, { slug, ...context.configRules });
    }
    if (verdict.action === 'create') tenantId = await create(tx, wanted, context.caller.actor);
    if (verdict.action === 'update' && stored) await update(tx, wanted, stored);
    const why = verdict.action === 'leaveAlone' ? verdict.why : null;
    return { tenantId, action: verdict.action, why };
  });
}

/** Loads the registered tenants with these slugs, by slug. */
export async function loadStoredTenants(
  { database }: CommandContext,
  slugs: readonly string[],
): Promise<Map<string, StoredTenant>> {
  const found = await database.prisma.tenant.findMany({
    where: { slug: { in: [...slugs] } },
    include: { settings: true, branding: true },
  });
  return new Map(found.map((tenant) => [tenant.slug, tenant]));
}

async function findLocked(tx: Transaction, slug: string): Promise<StoredTenant | undefined> {
  const locked = await tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenants WHERE slug = ${slug} FOR UPDATE`;
  if (locked.length === 0) return undefined;
  const stored = await tx.tenant.findUnique({ where: { slug }, include: { settings: true, branding: true } });
  return stored ?? undefined;
}

/** Creates the tenant in one statement, because an import creates thousands. */
async function create(tx: Transaction, { wanted, source }: Wanted, actor: string): Promise<string> {
  const { slug, tenant, settings, branding, config } = wanted;
  const [made] = await tx.$queryRaw<{ id: string }[]>`
    WITH made AS (
      INSERT INTO tenants (slug, name, short_name, timezone, currency, primary_email, gcp_project_id, gcp_dataset, tenant_config,
        config_source, created_by)
      VALUES (${slug}, ${tenant.name}, ${tenant.shortName}, ${tenant.timezone}, ${tenant.currency}, ${tenant.primaryEmail},
        ${tenant.gcpProjectId}, ${tenant.gcpDataset}, ${JSON.stringify(config)}::jsonb, ${source.toLowerCase()}::config_source, ${actor})
      RETURNING id
    ), settled AS (
      INSERT INTO tenant_settings (tenant_id, company_name, support_email, currency, timezone, email_from_name, email_from_email)
      SELECT id, ${settings.companyName}, ${settings.supportEmail}, ${settings.currency}, ${settings.timezone},
        ${settings.emailFromName}, ${settings.emailFromEmail} FROM made
    )
    INSERT INTO tenant_branding (tenant_id, preset_theme, logo_url, primary_color, secondary_color, accent_color)
    SELECT id, ${branding.presetTheme}, ${branding.logoUrl}, ${branding.primaryColor}, ${branding.secondaryColor},
      ${branding.accentColor} FROM made
    RETURNING tenant_id AS id`;
  if (!made) throw new Error(`tenant ${slug} was not created`);
  return made.id;
}

/** Equal tenants are not written: that would be a change in the log and for every cache. */
async function update(tx: Transaction, { wanted, source }: Wanted, { id }: StoredTenant): Promise<void> {
  const { tenant, settings, branding, config } = wanted;
  await tx.tenant.update({
    where: { id },
    data: {
      ...tenant,
      config: config as Prisma.InputJsonObject,
      configSource: source,
      // A tenant that was inserted by SQL may have neither row.
      settings: { upsert: { create: settings, update: settings } },
      branding: { upsert: { create: branding, update: branding } },
    },
  });
}
