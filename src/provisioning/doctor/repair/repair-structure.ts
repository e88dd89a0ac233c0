import { DatabaseError } from 'pg';
import type { ServiceDatabases } from '../../../database/service-databases.js';
import { invalidField, RegistryError } from '../../../errors.js';
import { requireOwnCode } from '../../fence/foreign-code.js';
import { asSchemaOwner, grantAccess } from '../../storage/module-role.js';
import type { StorageTarget } from '../../storage/storage-location.js';
import { type Difference, quotedName } from '../structure/compare-structure.js';
import { moveTo } from '../structure/nameless.js';
import type { Reference } from '../structure/reference.js';
import { type ComparedStorage, inComparedStorage } from './compared-storage.js';
import { lockTimeoutMs } from './own-storage.js';
import { ManualRepair } from './part-sql.js';
import { planRepair } from './plan-repair.js';

/** A repair of one difference, which `isWanted` recognizes. */
export interface StructureRepair {
  target: StorageTarget;
  isWanted(difference: Difference): boolean;
  /** The object's name as the caller typed it; undefined: the caller has not. */
  confirm: string | undefined;
}

/**
 * Makes one part of a schema as the module's files do. Does nothing when the difference has gone already. Afterwards the difference must
 * have gone, or everything is undone.
 */
export function repairStructure(databases: ServiceDatabases, repair: StructureRepair): Promise<void> {
  return inComparedStorage(databases, repair.target, (storage) => repairInside(storage, repair));
}

async function repairInside(
  { client, roles, reference, compare }: ComparedStorage,
  { target, isWanted, confirm }: StructureRepair,
): Promise<void> {
  const { schemaName } = target;
  const difference = (await compare()).find(isWanted);
  if (!difference) return;
  requireConfirmed(difference, confirm);
  const { statements, runsCode } = plan(difference, reference, target);
  if (runsCode) await requireOwnCode(client, schemaName, roles.owner);
  await asSchemaOwner(client, schemaName, roles.owner, async () => {
    for (const statement of statements) await client.query(statement).catch(refuse(difference, statement));
  });
  // Reads the whole catalog, so only where something was made.
  if (runsCode) await grantAccess(client, schemaName, roles.access);
  if ((await compare()).some(isWanted))
    throw manual(difference, 'the statements of the files do not make it the same');
}

function plan(difference: Difference, reference: Reference, { schemaName: schema }: StorageTarget) {
  const parts = reference.parts.map((part) => moveTo(part, reference.schema, quotedName(schema)));
  try {
    return planRepair(difference, { schema, parts });
  } catch (error) {
    if (error instanceof ManualRepair) throw manual(difference, error.message);
    throw error;
  }
}

/** An object that none of the files makes may hold data, so the caller has to type its name. */
function requireConfirmed({ code, kind, name }: Difference, confirm: string | undefined): void {
  if (code === 'STRUCTURE_EXTRA' && confirm !== name)
    throw invalidField('confirm', `must be ${name}, because this drops the ${kind} with all its data`);
}

function refuse(difference: Difference, statement: string) {
  return (error: unknown): never => {
    if (!(error instanceof DatabaseError)) throw error;
    // It waits for a lock of a service: the same request may succeed later.
    if (error.code === '55P03')
      throw new RegistryError(
        'CONFLICT',
        `${difference.name} is in use, and the repair waited ${lockTimeoutMs} ms for a lock: repeat the request`,
        { cause: error },
      );
    throw manual(difference, `PostgreSQL refused ${statement}: ${error.message}`, error);
  };
}

function manual({ kind, name }: Difference, reason: string, cause?: unknown): RegistryError {
  return new RegistryError(
    'CONFLICT',
    `The ${kind} ${name} was not repaired, and nothing was changed: ${reason}. Repair it by SQL, or accept it with KEEP_DATABASE`,
    { cause },
  );
}
