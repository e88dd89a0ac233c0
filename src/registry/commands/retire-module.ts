import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../command.js';
import { expectedVersion, idempotencyKey, moduleName, omittable, readInput, wait } from '../input.js';
import { requireModule } from '../modules/module.js';
import { requireVersion } from '../tenants/tenant.js';

const RetireModuleInput = z.object({
  name: moduleName,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Ends new subscriptions to a module; existing ones go on. updateModule brings it back. */
export async function retireModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'retireModule');
  const wanted = readInput(RetireModuleInput, input);
  const { name } = wanted;
  return runCommand(context, 'retireModule', wanted, async (tx) => {
    const module = await requireModule(tx, name, 'UPDATE');
    requireVersion(`Module ${name}`, module.version, wanted.expectedVersion);
    if (module.retiredAt !== null)
      throw new RegistryError(
        'CONFLICT',
        `Module ${name} is retired already, since ${module.retiredAt.toISOString()}`,
      );
    await tx.module.update({ where: { name }, data: { retiredAt: new Date() } });
    return { moduleName: name };
  });
}
