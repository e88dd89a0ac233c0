import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { rememberTaken } from '../../profile/taken/remember-taken.js';
import type { Observation } from '../../profile/taken/taken-memory.js';
import { insertTakenRows, profileOf, TakenProfileShape } from '../../profile/taken/taken-profile.js';
import { insertTenant } from '../../profile/tenant-profile.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { moduleName, omittable, optional, readInput, slug, text, uuid, wait } from '../../registry/input.js';
import { requireModule } from '../../registry/modules/module.js';
import { existingName } from '../../registry/storage-name.js';
import { requireActive, requireNoOperation, requireTenant } from '../../registry/tenants/tenant.js';
import { givenFields } from '../../registry/tenants/tenant-fields.js';
import { appendOperation } from '../operations/operation.js';
import { planAdoption } from '../operations/plan.js';
import { insertPastAttempts, type PastAttempt } from '../operations/run/past-attempt.js';
import { runStartedOperation } from '../operations/run/run-started-operation.js';
import { putSubscription } from '../subscription.js';

const AdoptStorageInput = z.object({
  tenant: z.object({
    /** The tenant's existing id; undefined for a new one. */
    id: optional(uuid),
    slug,
    name: text(200),
    /** The reason from the source, undefined when it is active. It names tables and databases, whose names may look random. */
    suspendedReason: optional(text(500)),
  }),
  /** Everything else that older platforms know about a new tenant. */
  profile: omittable(TakenProfileShape),
  /** Provisioning before the registry. */
  attempts: omittable(z.array(z.custom<PastAttempt>())),
  /** What an import has read about a new tenant. */
  observation: omittable(z.custom<Observation>()),
  storages: z
    .array(z.object({ module: moduleName, name: existingName }))
    .max(50, 'must be at most 50')
    // Sorted, so that two calls lock names in the same order and cannot deadlock.
    .transform((storages) => storages.toSorted((a, b) => (a.module < b.module ? -1 : 1))),
  wait: omittable(wait),
});

type Wanted = z.output<typeof AdoptStorageInput>;

/**
 * Registers a tenant with its existing schemas and databases, under their names and without changing them. All or nothing: the
 * operation's last step makes the tenant and its routes visible together.
 */
export async function adoptStorage(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerTenant');
  authorize(context.caller, 'adoptStorage');
  const wanted = readInput(AdoptStorageInput, input);
  const started = await runCommand(context, 'adoptStorage', { wait: 'COMMITTED' }, async (tx) => {
    const { tenant, isNew } = await putTenant(tx, context, wanted);
    if (isNew && wanted.profile) await insertTakenRows(tx, context.caller, tenant, wanted.profile);
    if (isNew) await insertPastAttempts(tx, tenant.id, wanted.attempts ?? []);
    if (isNew && wanted.observation) await rememberTaken(tx, tenant.id, wanted.observation);
    if (wanted.storages.length === 0) return { tenantId: tenant.id, operationId: null };
    for (const { module, name } of wanted.storages) {
      const entry = await requireModule(tx, module);
      await putSubscription(tx, {
        tenant,
        module: entry,
        isolation: entry.isolation,
        schemaName: name,
        exists: true,
        status: 'PROVISIONING',
        actor: context.caller.actor,
      });
    }
    const operationId = await appendOperation(tx, {
      kind: 'ADOPT_STORAGE',
      tenantId: tenant.id,
      actor: context.caller.actor,
      steps: planAdoption(wanted.storages.map(({ module }) => module)),
    });
    return { tenantId: tenant.id, operationId };
  });
  if (started.operationId === null) return started;
  return runStartedOperation(context, started, started.operationId, wanted.wait);
}

/** Inserts the tenant, or returns the existing one with this slug, whose id must be the given one. */
async function putTenant(
  tx: Transaction,
  context: CommandContext,
  wanted: Wanted,
): Promise<{ tenant: Tenant; isNew: boolean }> {
  const { id, slug: wantedSlug, name, suspendedReason } = wanted.tenant;
  const existing = await tx.tenant.findUnique({ where: { slug: wantedSlug } });
  // PROVISIONING until its routes are visible.
  const status = wanted.storages.length > 0 ? ('PROVISIONING' as const) : ('ACTIVE' as const);
  if (!existing || (id !== undefined && existing.id !== id)) {
    const { suspendedAt, ...taken } = wanted.profile?.tenant ?? {};
    const fields = givenFields({
      ...(id !== undefined && { id }),
      ...{ slug: wantedSlug, name, createdBy: context.caller.actor },
      ...givenFields(taken),
      ...(suspendedReason === undefined
        ? { status }
        : { status: 'SUSPENDED' as const, suspendedReason, suspendedAt }),
    });
    const profile = wanted.profile ? profileOf(wanted.profile) : {};
    return {
      tenant: await insertTenant(tx, context.caller, fields, profile, context.configRules),
      isNew: true,
    };
  }
  const tenant = await requireTenant(tx, existing.id);
  requireNoOperation(tenant);
  // An earlier adoption that failed is repeated.
  if (tenant.status === 'FAILED')
    return { tenant: await tx.tenant.update({ where: { id: tenant.id }, data: { status } }), isNew: false };
  if (tenant.status === 'PENDING')
    throw new RegistryError('TENANT_NOT_READY', `Tenant ${tenant.slug} is pending: provision it first`, {
      isLasting: true,
    });
  if (tenant.status !== 'SUSPENDED') requireActive(tenant);
  return { tenant, isNew: false };
}
