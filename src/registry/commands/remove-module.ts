import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../command.js';
import { expectedVersion, idempotencyKey, moduleName, omittable, readInput, wait } from '../input.js';
import { requireModule } from '../modules/module.js';
import { requireVersion } from '../tenants/tenant.js';

const RemoveModuleInput = z.object({
  name: moduleName,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Removes a module from the catalogue. A trigger refuses it with CONFLICT while tenants are subscribed, and for ever when one of
 * them had data in it: such a module is retired.
 */
export async function removeModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'removeModule');
  const wanted = readInput(RemoveModuleInput, input);
  const { name } = wanted;
  return runCommand(context, 'removeModule', wanted, async (tx) => {
    const module = await requireModule(tx, name, 'UPDATE');
    requireVersion(`Module ${name}`, module.version, wanted.expectedVersion);
    await tx.send({ text: 'DELETE FROM modules WHERE name = $1', values: [name] });
    return { moduleName: name };
  });
}
