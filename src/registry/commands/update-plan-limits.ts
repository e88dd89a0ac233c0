import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../command.js';
import { expectedVersion, idempotencyKey, omittable, optional, quota, readInput, wait } from '../input.js';
import { applyPlans } from '../tenants/plan-limits.js';
import { requireVersion } from '../tenants/tenant.js';
import { givenFields, plan } from '../tenants/tenant-fields.js';

const UpdatePlanLimitsInput = z.object({
  plan,
  maxUsers: optional(quota),
  maxMonthlyQuotes: optional(quota),
  maxStorageGb: optional(quota),
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Portions of tenants that get the new limits before the answer, except with COMMITTED. A worker goes on with the others. */
const portionsAtOnce = 4;

/** Changes the limits of a plan, and with them those of its tenants that have none of their own. */
export async function updatePlanLimits(context: CommandContext, input: unknown) {
  authorize(context.caller, 'updatePlanLimits');
  const given = readInput(UpdatePlanLimitsInput, input);
  const { plan: name, maxUsers, maxMonthlyQuotes, maxStorageGb, expectedVersion: expected } = given;
  return runCommand(
    context,
    'updatePlanLimits',
    given,
    async (tx) => {
      await tx.$queryRaw`SELECT name FROM plans WHERE name = ${name.toLowerCase()}::plan FOR UPDATE`;
      const limits = await tx.planLimits.findUniqueOrThrow({ where: { name } });
      requireVersion(`Plan ${name}`, limits.version, expected);
      const data = givenFields({ maxUsers, maxMonthlyQuotes, maxStorageGb });
      await tx.planLimits.update({ where: { name }, data });
      return { plan: name };
    },
    {
      async meanwhile(_, waitFor) {
        if (waitFor === 'COMMITTED') return;
        await applyPlans(context.database, { portions: portionsAtOnce }).catch((error) => {
          // The change is committed, and a worker goes on.
          context.log.warn({ err: error, plan: name }, 'tenants get the new limits of their plan later');
        });
      },
    },
  );
}
