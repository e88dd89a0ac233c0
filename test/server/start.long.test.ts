import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { aDataDir, firstAnswer, firstQuery, serve, start } from '../setup/process.js';
import { demo, tenantsOf } from './support/demo-tenants.js';

describe('a first start', () => {
  // From the demo's first statement to about its last; the moment is another in each run.
  test.each([0, 0.5])('has a whole demo after a kill -9 about %f through the first', async (part) => {
    const dataDir = await aDataDir();
    const first = start(['serve'], { PORT: '0', DATA_DIR: dataDir });
    await first.logged('migrated the registry database');
    await delay((part + Math.random() * 0.5) * 1_500);
    await first.end('SIGKILL');
    const soon = { OPERATION_HEARTBEAT_MS: '500', OPERATION_TAKE_OVER_MS: '1500' };
    const second = await serve({ ...soon, DATA_DIR: dataDir });
    expect((await second.ask(firstQuery)).body).toEqual(firstAnswer);
    expect(await tenantsOf(second)).toEqual(demo);
    await second.end('SIGTERM');
  });

  test('a second first start in the same moment: one serves, the other says who does', async () => {
    const empty = await aDataDir();
    const both = [1, 2].map(() => start(['serve'], { PORT: '0', DATA_DIR: empty }));
    const loser = await Promise.race(both.map(async (gateway) => ({ gateway, ...(await gateway.ended) })));
    const winner = both.find((gateway) => gateway !== loser.gateway);
    expect(loser).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `${empty} is in use by another tenant-registry (process ${winner?.pid}): stop it, or set DATA_DIR to another folder\n`,
    });
    await winner?.logged('serving');
    expect(await winner?.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});
