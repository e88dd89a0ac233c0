import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { TestGateway } from '../../setup/gateway.js';
import { type GatewayProcess, startGateway } from '../../setup/gateway-process.js';
import { aTenant } from '../../setup/stories.js';

const recordUsage = `mutation ($id: ID!, $key: String) {
  recordUsage(input: { tenantId: $id, metric: MONTHLY_QUOTES, amount: 1, idempotencyKey: $key }) { isRepeated }
}`;

interface Race {
  calls: number;
  limit: number;
  /** Calls that are under way at a time. */
  atATime: number;
  /** Number of answers after which one of the gateways is killed and started again. */
  killAfter: number;
}

/**
 * Sends records against a limit to two gateways, of which one is killed in the middle. Clients repeat what got no answer, with the same key,
 * at the other gateway. Returns how many were accepted and refused, and what the registry has counted.
 */
export async function raceForQuota(
  registry: TestGateway,
  { calls, limit, atATime, killAfter }: Race,
): Promise<{ accepted: number; refused: number; counted: number; repeated: number }> {
  const key = await registry.createKey('usage:record');
  const options = { databaseUrl: registry.registry.url, serviceUrl: registry.serviceUrl, key };
  const gateways: (GatewayProcess | TestGateway)[] = [registry, await startGateway(options)];
  const { id } = await aTenant().at(registry);
  await registry.psql('UPDATE tenants SET max_monthly_quotes = $2 WHERE id = $1', [id, limit]);
  const tally = { accepted: 0, refused: 0, repeated: 0 };
  let [next, answered, killed] = [0, 0, false];

  async function record(at: number): Promise<void> {
    for (let attempt = at; ; attempt++) {
      const gateway = gateways[attempt % gateways.length] as TestGateway;
      const answer = await gateway
        .ask(recordUsage, { id, key: `call-${at}` }, { key })
        .catch(() => undefined);
      const code = answer?.codes?.[0];
      if (code === 'QUOTA_EXCEEDED') tally.refused++;
      else if (answer?.data?.recordUsage) {
        tally.accepted++;
        if (answer.data.recordUsage.isRepeated) tally.repeated++;
      } else {
        if (code !== undefined) expect(code).toMatch(/REGISTRY_UNAVAILABLE|INTERNAL/);
        await delay(20);
        continue;
      }
      answered++;
      return;
    }
  }

  async function work(): Promise<void> {
    while (next < calls) {
      await record(next++);
      if (answered < killAfter || killed) continue;
      killed = true;
      await (gateways[1] as GatewayProcess).kill();
      gateways[1] = await startGateway(options);
    }
  }

  try {
    await Promise.all(Array.from({ length: atATime }, work));
  } finally {
    await (gateways[1] as GatewayProcess).kill();
  }
  const [row] = await registry.psql<{ used: number }>(
    `SELECT used::int FROM registry_usage($1, 'monthly_quotes')`,
    [id],
  );
  return { ...tally, counted: row?.used ?? -1 };
}
