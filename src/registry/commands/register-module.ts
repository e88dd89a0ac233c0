import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { invalidField } from '../../errors.js';
import { type CommandContext, runCommand } from '../command.js';
import { idempotencyKey, moduleName, omittable, optional, readInput, wait } from '../input.js';
import { moduleFields, requireDatabaseVariable } from '../modules/module.js';

/** Names of the server's own databases and of the embedded registry: no module may use them. */
const reservedNames = ['postgres', 'template0', 'template1', 'registry'];

const RegisterModuleInput = z.object({
  name: moduleName.refine(
    (name) => !reservedNames.includes(name) && !name.startsWith('pg_'),
    'is a reserved name',
  ),
  description: optional(moduleFields.description),
  databaseRef: optional(moduleFields.databaseRef),
  schemaPrefix: optional(moduleFields.schemaPrefix),
  isolation: optional(moduleFields.isolation),
  migrationsFolder: optional(moduleFields.migrationsFolder),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Adds a module to the catalogue; from then on tenants can subscribe to it. */
export async function registerModule(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerModule');
  const wanted = readInput(RegisterModuleInput, input);
  const databaseRef = wanted.databaseRef ?? `${wanted.name.toUpperCase()}_DB_URL`;
  requireDatabaseVariable(context, databaseRef);
  if (wanted.migrationsFolder) requireFolder(context.modulesDir, wanted.migrationsFolder);
  return runCommand(context, 'registerModule', wanted, async (tx) => {
    const module = await tx.module.create({
      data: {
        name: wanted.name,
        description: wanted.description ?? null,
        databaseRef,
        databaseName: context.serviceDatabases.configuredName(databaseRef) ?? wanted.name,
        schemaPrefix: wanted.schemaPrefix ?? `${wanted.name.slice(0, 19)}_`,
        isolation: wanted.isolation ?? 'SCHEMA',
        migrationsFolder: wanted.migrationsFolder ?? wanted.name,
      },
    });
    return { moduleName: module.name };
  });
}

/**
 * Throws when a named folder does not exist. The default folder may be added later; until then tenants get only the
 * common tables.
 */
export function requireFolder(modulesDir: string, folder: string): void {
  if (!existsSync(join(modulesDir, folder)))
    throw invalidField('migrationsFolder', `there is no folder "${folder}" in MODULES_DIR (${modulesDir})`);
}
