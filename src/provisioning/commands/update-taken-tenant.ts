import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Prisma } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { requireOwnVariables } from '../../profile/config/variable-owners.js';
import { rememberTaken } from '../../profile/taken/remember-taken.js';
import type { Observation } from '../../profile/taken/taken-memory.js';
import { insertTakenRows, TakenProfileShape } from '../../profile/taken/taken-profile.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { date, omittable, optional, readInput, text, uuid, wait } from '../../registry/input.js';
import { requireTenant } from '../../registry/tenants/tenant.js';
import { givenFields } from '../../registry/tenants/tenant-fields.js';
import { insertPastAttempts, type PastAttempt } from '../operations/run/past-attempt.js';

const UpdateTakenTenantInput = z.object({
  tenantId: uuid,
  name: optional(text(200)),
  /** The fields that change. */
  profile: TakenProfileShape,
  attempts: z.array(z.custom<PastAttempt>()),
  /** The time at which the older platform deleted it, for a tenant that is deleted here, too. */
  deletedAt: optional(date),
  /** Versions of the rows on which the decision rests; null for a row that did not exist. */
  versions: omittable(
    z.object({ tenant: z.int(), settings: z.int().nullable(), branding: z.int().nullable() }),
  ),
  /** Versions of the members that change, by address; null for one who did not exist. */
  memberVersions: omittable(z.record(z.string(), z.int().nullable())),
  observation: omittable(z.custom<Observation>()),
  wait: omittable(wait),
});

/** Writes what older platforms know about a registered tenant. Throws VERSION_CONFLICT when it was changed since the decision. */
export async function updateTakenTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerTenant');
  authorize(context.caller, 'updateTenantConfig');
  const wanted = readInput(UpdateTakenTenantInput, input);
  return runCommand(context, 'updateTakenTenant', { wait: wanted.wait }, async (tx) => {
    const { id, slug, version } = await requireTenant(tx, wanted.tenantId);
    const settings = await tx.tenantSettings.findUnique({ where: { tenantId: id } });
    const branding = await tx.tenantBranding.findUnique({ where: { tenantId: id } });
    const found = {
      tenant: version,
      settings: settings?.version ?? null,
      branding: branding?.version ?? null,
    };
    if (Object.entries(wanted.versions ?? {}).some(([row, expected]) => Reflect.get(found, row) !== expected))
      throw changedMeanwhile(slug);
    await requireMembers(tx, { id, slug }, wanted.memberVersions ?? {});
    const { tenant, config, ...profile } = wanted.profile;
    if (config) await requireOwnVariables(tx, config, { slug, ...context.configRules });
    const { createdAt: _, createdBy: __, suspendedAt: ___, ...fields } = tenant;
    const data = givenFields({
      ...fields,
      name: wanted.name,
      deletedAt: wanted.deletedAt,
      config: config as Prisma.InputJsonObject | undefined,
    });
    if (Object.keys(data).length > 0) await tx.tenant.update({ where: { id }, data });
    const settled = givenFields(profile.settings);
    if (Object.keys(settled).length > 0)
      await tx.tenantSettings.update({ where: { tenantId: id }, data: settled });
    const branded = givenFields(profile.branding);
    if (Object.keys(branded).length > 0)
      await tx.tenantBranding.update({ where: { tenantId: id }, data: branded });
    await insertTakenRows(tx, context.caller, { id, slug }, wanted.profile);
    await insertPastAttempts(tx, id, wanted.attempts);
    if (wanted.observation) await rememberTaken(tx, id, wanted.observation);
    return { tenantId: id };
  });
}

/** The tenant is locked, so its members do not change until the end of the transaction. */
async function requireMembers(
  tx: Transaction,
  { id: tenantId, slug }: { id: string; slug: string },
  expected: Readonly<Record<string, number | null>>,
): Promise<void> {
  const emails = Object.keys(expected);
  if (emails.length === 0) return;
  const found = await tx.member.findMany({ where: { tenantId, email: { in: emails } } });
  const versions = new Map(found.map(({ email, version }) => [email, version]));
  if (emails.some((email) => (versions.get(email) ?? null) !== expected[email])) throw changedMeanwhile(slug);
}

function changedMeanwhile(slug: string): RegistryError {
  return new RegistryError('VERSION_CONFLICT', `Tenant ${slug} was changed meanwhile: import again`);
}
