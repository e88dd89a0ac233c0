import type { TestGateway } from '../../setup/gateway.js';
import { waitFor } from './blocked-migration.js';

/**
 * Lets another worker take an operation over. The process that runs it lives, and its next heartbeat would show that, so it is silenced
 * until the other one has it.
 */
export async function silenceUntilTaken(
  { psql }: Pick<TestGateway, 'psql'>,
  operationId: string,
): Promise<void> {
  const tokenOf = async () =>
    (
      await psql<{ token: string }>('SELECT fencing_token AS token FROM operations WHERE id = $1', [
        operationId,
      ])
    )[0]?.token;
  const first = await tokenOf();
  await waitFor(async () => {
    await psql(
      `UPDATE operations SET heartbeat_at = now() - interval '1 hour' WHERE id = $1 AND fencing_token = $2`,
      [operationId, first],
    );
    return (await tokenOf()) !== first;
  });
}
