import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Rollout, RolloutStatus } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { notFound, RegistryError } from '../../errors.js';
import { requireVersion } from '../../registry/tenants/tenant.js';

/** The name of this process as the leader of rollouts. Unique, although process ids and container names are reused. */
export const leader = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;

export function noSuchRollout(id: string): RegistryError {
  return notFound('id', `there is no rollout ${id}`);
}

/** Whether the rollout is running or paused. */
export function isOpen({ status }: { status: RolloutStatus }): boolean {
  return status === 'RUNNING' || status === 'PAUSED';
}

/** Locks the rollout, so that its leader writes nothing before the transaction ends. Throws NOT_FOUND and VERSION_CONFLICT. */
export async function lockRollout(
  tx: Transaction,
  id: string,
  expectedVersion: number | undefined,
): Promise<Rollout> {
  await tx.send({ text: 'SELECT FROM rollouts WHERE id = $1 FOR NO KEY UPDATE', values: [id] });
  const rollout = await tx.rollout.findUnique({ where: { id } });
  if (!rollout) throw noSuchRollout(id);
  requireVersion(`Rollout ${id}`, rollout.version, expectedVersion);
  return rollout;
}

/** Throws CONFLICT, which names the rollout, when the module has another one that is running or paused. The module must be locked. */
export async function requireNoOtherRollout(
  tx: Transaction,
  moduleName: string,
  except?: string,
): Promise<void> {
  const other = await tx.rollout.findFirst({
    where: { moduleName, status: { in: ['RUNNING', 'PAUSED'] }, ...(except && { id: { not: except } }) },
  });
  if (!other) return;
  throw new RegistryError(
    'CONFLICT',
    `Module ${moduleName} has rollout ${other.id}, which is ${other.status.toLowerCase()}: wait for its end, or cancel it with cancelRollout`,
  );
}

/** Throws CONFLICT unless the rollout has one of the statuses. */
export function requireStatus(
  { id, status }: Rollout,
  allowed: readonly RolloutStatus[],
  wayOut: string,
): void {
  if (allowed.includes(status)) return;
  throw new RegistryError('CONFLICT', `Rollout ${id} is ${status.toLowerCase()}: ${wayOut}`);
}
