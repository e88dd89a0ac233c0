import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, moduleName, omittable, optional, readInput, wait } from '../../registry/input.js';
import { requireModule, requireUsableDatabase } from '../../registry/modules/module.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import { findPendingProblems, readPlannedFiles, refuseFiles } from '../rollout/plan/rollout-plan.js';
import { judgeTenants } from '../rollout/plan/tenant-judgement.js';
import { listRegisteredTenants } from '../rollout/plan/tenant-versions.js';
import { requireNoOtherRollout } from '../rollout/rollout.js';
import { toRolloutFile } from '../rollout/rollout-files.js';
import { appendTenants, withCanary } from '../rollout/rollout-tenants.js';
import { readStrategy, strategyFields } from '../rollout/strategy.js';

const StartRolloutInput = z.object({
  module: moduleName,
  strategy: optional(strategyFields),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Starts to migrate all tenants of a module that are behind its newest file. Without such tenants the rollout has succeeded at once.
 * Throws MODULE_NOT_FOUND, TENANT_NOT_READY, and CONFLICT while another rollout of the module is running or paused.
 */
export async function startRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'startRollout');
  const wanted = readInput(StartRolloutInput, input);
  const wantedStrategy = readStrategy(wanted.strategy);
  const [survey] = await Promise.allSettled([surveyModule(context, wanted.module)]);
  return runCommand(context, 'startRollout', wanted, async (tx) => {
    // Two starts queue here, and no subscription begins meanwhile that the list of tenants would miss. A repeated request ends
    // here with its first answer, also when the files or the database are not as they were.
    const module = await requireModule(tx, wanted.module, 'UPDATE');
    requireUsableDatabase(context, module);
    await requireNoOtherRollout(tx, module.name);
    if (survey.status === 'rejected') throw survey.reason;
    const { migrations, lacking } = survey.value;
    // Files of all modules are always there, see readModuleMigrations.
    const targetVersion = migrations.at(-1)?.name ?? '';
    const strategy = await withCanary(
      tx,
      { moduleName: module.name, targetVersion },
      wantedStrategy,
      lacking,
    );
    const { canaryTenantIds: _, ...columns } = strategy;
    const rollout = await tx.rollout.create({
      data: {
        ...columns,
        moduleName: module.name,
        targetVersion,
        files: migrations.map((migration) => ({ ...toRolloutFile(migration) })),
        createdBy: context.caller.actor,
      },
    });
    const tenants = await appendTenants(tx, rollout, strategy, lacking);
    if (tenants === 0)
      await tx.rollout.update({
        where: { id: rollout.id },
        data: { status: 'SUCCEEDED', finishedAt: new Date() },
      });
    return { rolloutId: rollout.id, tenants };
  });
}

/** Reads the files, and in the module's database which tenants lack some of them. Nothing is locked meanwhile. */
async function surveyModule(context: CommandContext, name: string) {
  const module = await context.database.prisma.module.findUnique({ where: { name } });
  if (!module) throw moduleNotFound(name);
  requireUsableDatabase(context, module);
  const migrations = await readPlannedFiles(context, module);
  const tenants = listRegisteredTenants(context, name);
  const judged = await judgeTenants(context, module, migrations, tenants);
  const pending = judged.flatMap(({ decision }) => (decision.kind === 'run' ? decision.missing : []));
  const problems = await findPendingProblems(
    context,
    module.migrationsFolder,
    new Set(pending.map((file) => file.name)),
  );
  if (problems.length > 0) throw refuseFiles(name, problems);
  const lacking = judged.filter(({ decision }) => decision.kind === 'run' && decision.missing.length > 0);
  return { migrations, lacking: lacking.map(({ tenantId }) => tenantId) };
}
