import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { Module } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../command.js';
import {
  expectedVersion,
  idempotencyKey,
  moduleName,
  omittable,
  optional,
  readInput,
  wait,
} from '../input.js';
import { moduleFields, requireDatabaseVariable, requireModule } from '../modules/module.js';
import { requireVersion } from '../tenants/tenant.js';
import { givenFields } from '../tenants/tenant-fields.js';
import { requireFolder } from './register-module.js';

const UpdateModuleInput = z.object({
  name: moduleName,
  description: optional(moduleFields.description),
  databaseRef: optional(moduleFields.databaseRef),
  schemaPrefix: optional(moduleFields.schemaPrefix),
  isolation: optional(moduleFields.isolation),
  migrationsFolder: optional(moduleFields.migrationsFolder),
  isRetired: optional(z.boolean()),
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Changes a catalogue entry. Prefix and isolation count for later subscriptions; existing ones keep their names. */
export async function updateModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'updateModule');
  const {
    name,
    expectedVersion: expected,
    idempotencyKey: key,
    wait: waitFor,
    ...changes
  } = readInput(UpdateModuleInput, input);
  if (changes.databaseRef) requireDatabaseVariable(context, changes.databaseRef);
  if (changes.migrationsFolder) requireFolder(context.modulesDir, changes.migrationsFolder);
  const given = { name, expectedVersion: expected, idempotencyKey: key, wait: waitFor, ...changes };
  return runCommand(context, 'updateModule', given, async (tx) => {
    // The lock prevents a concurrent subscription under the old entry.
    const module = await requireModule(tx, name, 'UPDATE');
    requireVersion(`Module ${name}`, module.version, expected);
    const { databaseRef, isRetired, ...fields } = changes;
    const moves = databaseRef !== undefined && databaseRef !== module.databaseRef;
    if (moves) await requireNoSubscriptions(tx, module);
    const databaseName = moves ? (context.serviceDatabases.configuredName(databaseRef) ?? name) : undefined;
    const retiredAt =
      isRetired === undefined ? undefined : isRetired ? (module.retiredAt ?? new Date()) : null;
    const data = givenFields({ ...fields, databaseRef, databaseName, retiredAt });
    await tx.module.update({ where: { name }, data });
    return { moduleName: name };
  });
}

/**
 * Throws when the module has subscriptions: a change of the database would route tenants to where their data is not.
 */
async function requireNoSubscriptions(tx: Transaction, module: Module): Promise<void> {
  const count = await tx.moduleSubscription.count({ where: { moduleName: module.name } });
  if (count > 0)
    throw new RegistryError(
      'CONFLICT',
      `Module ${module.name} has ${count} subscriptions whose data is in ${module.databaseRef}: ` +
        'register a new module for the other database',
      { fields: [{ field: 'databaseRef', message: 'is in use' }] },
    );
}
