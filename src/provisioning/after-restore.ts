import { authorize } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import { type CommandContext, runCommand } from '../registry/command.js';
import { linesOf, listAuditFiles } from '../registry/log/audit-archive.js';
import { readLine } from '../registry/log/audit-line.js';
import { epochBeganSql } from '../registry/log/epoch.js';
import { requireNoOperation, requireTenant } from '../registry/tenants/tenant.js';
import { enqueueBindings } from './compared-guards.js';
import { createObservation, type Finding } from './doctor/finding.js';
import { locateStorage } from './operations/subscription-storage.js';
import { readBindingAt } from './storage/bind-storage.js';
import { requireSubscription } from './subscription.js';

/*
 * After a restore of the registry or of service databases to an earlier moment: what is lost, and what can be repaired without
 * letting anybody in who was kept out.
 */

/** What to do about a lost change, by the noun of its kind; the others are seen at the storage, or are of no consequence. */
const remedies: Record<string, string> = {
  tenant:
    'Make the change again; the data of a tenant that was registered is found as SCHEMA_WITHOUT_ROW, and of one that was purged as SCHEMA_MISSING.',
  subscription:
    'Make the change again; storage of a new subscription is found as SCHEMA_WITHOUT_ROW and used again.',
  member: 'Invite, change or remove the member again; the log has no e-mail addresses.',
  invitation: 'Invite the member again: the link that was sent is refused.',
  api_key:
    'A key that was created is refused: create another. One that was revoked is valid again: revoke it now.',
};

/** The entries of an archive that the restored registry does not have, oldest first. */
export async function findLostChanges(
  { caller, database }: CommandContext,
  folder: string,
): Promise<Finding[]> {
  authorize(caller, 'readAuditLog');
  const { rows } = await database.pool.query<{ began: string }>(
    `SELECT ${epochBeganSql} AS began FROM registry_head`,
  );
  const began = BigInt(rows[0]?.began ?? 0);
  const later: { hash: string; content: string }[] = [];
  for (const file of (await listAuditFiles([folder])).entries)
    for await (const line of linesOf(file)) {
      const read = readLine(line);
      if (!read || !('entry' in read) || BigInt(read.entry.revision) <= began) continue;
      later.push({ hash: read.entry.hash.toString('hex'), content: read.entry.content });
    }
  // Without a restore an epoch ends with each start of the server, and nothing is lost.
  const kept = await database.pool.query<{ hash: string }>(
    `SELECT encode(hash, 'hex') AS hash FROM registry_change WHERE revision > $1 AND hash = ANY (
       ARRAY(SELECT decode(one, 'hex') FROM unnest($2::text[]) AS one))`,
    [String(began), later.map(({ hash }) => hash)],
  );
  const present = new Set(kept.rows.map(({ hash }) => hash));
  return later.filter(({ hash }) => !present.has(hash)).map(({ content }) => describeLost(content));
}

function describeLost(content: string): Finding {
  const [revision, position, tenantId, slug, module, kind, entity, actor, , , , changedAt] =
    JSON.parse(content);
  const noun = String(kind).split('.')[0] ?? '';
  const about = slug ? ` of tenant ${slug}` : '';
  const {
    asOf,
    content: _content,
    ...finding
  } = createObservation(
    'CHANGE_LOST',
    { tenantId, tenantSlug: slug, module },
    {
      problem: `The restore lost ${kind}${about}${module ? ` (${module})` : ''}: ${entity}, by ${actor} at ${changedAt}Z.`,
      remedy: remedies[noun] ?? 'Make the change again, if it is needed.',
    },
    { objectKind: 'change', objectName: `${revision}/${position}` },
  );
  return finding;
}

/**
 * Repairs what needs no decision. Guards get the registry's state again; where a guard was closed, or has a later generation, by a
 * change that is lost, the registry follows instead: the subscription is suspended and gets a later generation, so that no
 * route of the lost time is let in. Returns how many findings were repaired.
 */
export async function repairAfterRestore(
  context: CommandContext,
  findings: readonly Finding[],
): Promise<number> {
  authorize(context.caller, 'suspendSubscription');
  const closed = new Map<string, string[]>();
  for (const { code, tenantId, module } of findings)
    if (code === 'BINDING_OF_LOST_CHANGE' && tenantId !== null && module !== null)
      closed.set(tenantId, [...(closed.get(tenantId) ?? []), module]);
  let repaired = 0;
  for (const [tenantId, modules] of closed)
    repaired += await keepClosed(context, tenantId, modules).catch((error: unknown) => {
      // Such as an operation that works on the tenant: the finding stays, and the others are repaired.
      if (!(error instanceof RegistryError)) throw error;
      context.log.warn({ tenant: tenantId, modules }, error.message);
      return 0;
    });
  await enqueueBindings(context, findings);
  const tenants = [...new Set(findings.flatMap(({ tenantId }) => tenantId ?? []))];
  const { rows } = await context.database.pool.query<{ id: string }>(
    `SELECT id FROM operations WHERE kind = 'bind_storage' AND status = 'queued' AND tenant_id = ANY ($1::uuid[]) ORDER BY created_at`,
    [tenants],
  );
  for (const { id } of rows) await context.runOperation(id);
  return repaired + rows.length;
}

/**
 * Lets the registry follow the guards that lost changes wrote, in one transaction for all modules of the tenant, so that one
 * operation writes its guards. Returns how many guards it concerns.
 */
async function keepClosed(
  context: CommandContext,
  tenantId: string,
  modules: readonly string[],
): Promise<number> {
  const found = await Promise.all(modules.map((module) => readBinding(context, tenantId, module)));
  const bindings = found.flatMap((binding) => binding ?? []);
  if (bindings.length === 0) return 0;
  await runCommand(
    context,
    'repairAfterRestore',
    {},
    async (tx) => {
      const tenant = await requireTenant(tx, tenantId);
      requireNoOperation(tenant);
      for (const { module, state, generation } of bindings) {
        const subscription = await requireSubscription(tx, tenant, module);
        // Nobody gets into the storage of a deleted tenant, and its subscriptions cannot be changed.
        const isOpen = subscription.status === 'ACTIVE' && tenant.status !== 'DELETED';
        await tx.moduleSubscription.update({
          where: { id: subscription.id },
          data: {
            // No route of the lost time may have it.
            generation: Math.max(subscription.generation, generation) + 1,
            ...(isOpen &&
              state !== 'active' && {
                status: 'SUSPENDED',
                suspendedReason: `closed (${state}) in a time that a restore lost`,
              }),
          },
        });
      }
      return {};
    },
    { waitFor: 'COMMITTED' },
  );
  return bindings.length;
}

async function readBinding(context: CommandContext, tenantId: string, module: string) {
  const subscription = await context.database.prisma.moduleSubscription.findFirst({
    where: { tenantId, moduleName: module },
    include: { module: true },
  });
  if (!subscription) return undefined;
  const { target } = await locateStorage(context, subscription, { readsMigrations: false });
  const binding = await readBindingAt(context.serviceDatabases, target);
  return binding && { module, state: binding.state, generation: binding.generation };
}
