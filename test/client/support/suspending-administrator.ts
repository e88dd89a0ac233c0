/** Suspends and resumes tenants, one after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../../protocol/support/virtual-time.js';
import type { TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import type { StoryTenant } from '../../setup/stories.js';

export interface Suspending {
  /**
   * The tenant that is suspended now: from the acknowledgement until it is about to be resumed. `round` counts
   * them.
   */
  readonly current: { tenant: StoryTenant; round: number } | undefined;
  /** Resumes the suspended tenant and returns the mutations that the gateway refused. */
  stop(): Promise<string[]>;
}

export function startSuspending(
  gateway: Pick<TestGateway, 'ask'>,
  tenants: readonly StoryTenant[],
  chance: Chance,
): Suspending {
  const refused: string[] = [];
  let current: Suspending['current'];
  let isOver = false;

  async function command(name: string, input: object): Promise<void> {
    const { result, errors } = await mutate(gateway, name, input);
    if (!result) refused.push(`${name}: ${errors[0]?.message}`);
  }

  const running = (async () => {
    for (let round = 0; !isOver; round++) {
      const tenant = chance.pick(tenants);
      await command('suspendTenant', { tenantId: tenant.id, reason: 'hammered' });
      current = { tenant, round };
      await delay(chance.between(20, 100));
      current = undefined;
      await command('resumeTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
      await delay(chance.between(20, 200));
    }
  })();

  return {
    get current() {
      return current;
    },
    async stop() {
      isOver = true;
      await running;
      return refused;
    },
  };
}
