import type { Caller } from '../auth/caller.js';
import type { Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { Statement } from '../database/statements/batch.js';
import { columnOf, toParameter } from '../database/statements/row.js';
import { idTaken, slugTaken } from '../registry/taken.js';
import { newTenantValues } from '../registry/tenants/tenant-fields.js';
import { readTenantRow, tenantRow } from '../registry/tenants/tenant-row.js';
import { type ConfigRules, strictConfigRules } from '../registry/values/config-rules.js';
import { requireOwnVariables, requireUnusedPrefix } from './config/variable-owners.js';
import type { NewTenant, Profile } from './onboarding.js';
import { newBranding, newSettings } from './profile-defaults.js';

/**
 * Inserts a tenant with its settings and branding. Throws CONFLICT when the slug or id is taken; the loser of a race
 * for a slug gets the same code from the unique constraint.
 */
export async function insertTenant(
  tx: Transaction,
  caller: Caller,
  fields: NewTenant,
  { settings, branding, config }: Profile = {},
  rules: ConfigRules = strictConfigRules,
): Promise<Tenant> {
  const { slug, id = null } = fields;
  tx.prepend([findTakers(slug, id)], ([found]) => {
    const takers = (found?.rows ?? []).map(readTenantRow);
    const bySlug = takers.find((one) => one.slug === slug);
    if (bySlug) throw slugTaken(caller, slug, bySlug);
    const byId = takers.find((one) => one.id === id);
    if (id !== null && byId) throw idTaken(caller, id, byId);
    // The slug is an external id of this one.
    if (takers[0]) throw slugTaken(caller, slug, takers[0]);
  });
  requireUnusedPrefix(tx, slug, config !== undefined);
  if (config) await requireOwnVariables(tx, config, { slug, ...rules });
  const [inserted] = await tx.send(insertRows({ ...fields, ...(config && { config }) }, settings, branding));
  const row = inserted?.rows[0];
  if (!row) throw new Error(`tenant ${slug} was not inserted`);
  return readTenantRow(row);
}

function findTakers(slug: string, id: string | null): Statement {
  // Not OR, with which a plan could read all tenants.
  const text = `
    SELECT * FROM tenants WHERE slug = $1 UNION ALL SELECT * FROM tenants WHERE id = $2 AND slug <> $1
    UNION ALL SELECT tenants.* FROM tenants JOIN tenant_external_ids AS named ON named.tenant_id = tenants.id
    WHERE named.external_id = $1`;
  return { text, values: [slug, id], isFrequent: true };
}

/**
 * One statement for the three rows, because tenants are registered many at a time. The database knows the other defaults. The last
 * row is selected from the second, so that the audit log has them in this order.
 */
function insertRows(fields: object, settings: Profile['settings'], branding: Profile['branding']): Statement {
  const values: ReturnType<typeof toParameter>[] = [];
  const place = ([field, value]: [string, unknown]) => [
    columnOf(tenantRow, field),
    `$${values.push(toParameter(tenantRow, field, value))}`,
  ];
  const tenant = Object.entries(fields).map(place);
  const settled = new Map(Object.entries(settings ?? {}).map(place) as [string, string][]);
  // Settings that are not given are copied from the tenant.
  const copied = {
    company_name: 'name',
    support_email: 'primary_email',
    currency: 'currency',
    timezone: 'timezone',
  };
  for (const [column, source] of Object.entries(copied))
    if (!settled.has(column)) settled.set(column, source);
  const branded = Object.entries(branding ?? {}).map(place);
  const text = `
    WITH tenant AS (INSERT INTO tenants (${columns(tenant)}) VALUES (${sources(tenant)}) RETURNING *),
    settings AS (INSERT INTO tenant_settings (tenant_id, ${columns([...settled])}) SELECT id, ${sources([...settled])} FROM tenant RETURNING tenant_id),
    branding AS (INSERT INTO tenant_branding (${columns([['tenant_id'], ...branded])}) SELECT ${sources([['', 'tenant_id'], ...branded])} FROM settings)
    SELECT * FROM tenant`;
  // A text for each set of fields that callers give: only the common ones are kept.
  return { text, values, isFrequent: values.length <= 4 && !settings && !branding };
}

const columns = (pairs: readonly (readonly string[])[]) => pairs.map(([column]) => column).join(', ');
const sources = (pairs: readonly (readonly string[])[]) => pairs.map(([, source]) => source).join(', ');

/**
 * Gives the tenant of a failed attempt the values of a new one: those that are given, and the defaults of all others. Nothing of the
 * earlier attempt is left but its id, its slug and its history.
 */
export async function renewTenant(
  tx: Transaction,
  { id, slug }: Pick<Tenant, 'id' | 'slug'>,
  { id: _, slug: __, ...fields }: NewTenant,
  { settings, branding, config }: Profile,
  rules: ConfigRules,
): Promise<Tenant> {
  if (config) await requireOwnVariables(tx, config, { slug, ...rules });
  // The trigger that keeps columns and configuration equal must not take a value of the earlier configuration for a change.
  await tx.tenant.updateMany({ where: { id, NOT: { config: { equals: {} } } }, data: { config: {} } });
  const data = { ...newTenantValues(), ...fields, ...(config && { config }) };
  const tenant = await tx.tenant.update({ where: { id }, data });
  const rows = { settings: newSettings(tenant, settings), branding: newBranding(branding) };
  await tx.tenantSettings.upsert({
    where: { tenantId: id },
    create: { tenantId: id, ...rows.settings },
    update: rows.settings,
  });
  await tx.tenantBranding.upsert({
    where: { tenantId: id },
    create: { tenantId: id, ...rows.branding },
    update: rows.branding,
  });
  return tenant;
}
