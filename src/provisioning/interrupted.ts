import { gateway } from '../auth/caller.js';
import { type CommandContext, runCommand } from '../registry/command.js';
import { failWhatWasProvisioned } from './provision.js';

/**
 * Ends operations whose process went away in the middle, so that the same call can be made again: it finds what was
 * made under the tenant's name and goes on from there. Nothing of them ever resolved.
 */
export async function endInterruptedOperations(context: CommandContext, silentForMs: number): Promise<void> {
  const lastBeat = new Date(Date.now() - silentForMs);
  const lost = await context.database.prisma.operation.findMany({
    where: { status: 'RUNNING', heartbeatAt: { lt: lastBeat } },
    include: { steps: true },
  });
  for (const operation of lost) {
    const error = 'interrupted: the process that ran it went away; repeat the call';
    await runCommand({ ...context, caller: gateway }, 'endInterruptedOperations', {}, async (tx) => {
      await tx.$queryRaw`SELECT id FROM tenants WHERE id = ${operation.tenantId}::uuid FOR UPDATE`;
      const { count } = await tx.operation.updateMany({
        where: { id: operation.id, status: 'RUNNING', heartbeatAt: { lt: lastBeat } },
        data: { status: 'FAILED', error, finishedAt: new Date() },
      });
      if (count === 0) return {};
      await tx.operationStep.updateMany({
        where: { operationId: operation.id, status: { in: ['QUEUED', 'RUNNING'] } },
        data: { status: 'CANCELLED', finishedAt: new Date() },
      });
      await failWhatWasProvisioned(tx, operation);
      return {};
    });
    context.log.warn({ operationId: operation.id }, 'ended an interrupted operation');
  }
}
