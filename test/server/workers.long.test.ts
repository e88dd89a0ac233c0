import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { aStartedDataDir, postmasterPid, serve } from '../setup/process.js';
import { refusesConnections, two, workersOf } from './support/workers.js';

describe('the end of a gateway of two workers', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await aStartedDataDir();
  });

  test('workers that crash again and again: one line and exit 1', async () => {
    await using gateway = await serve({ DATA_DIR: dataDir }, two);
    let hasEnded = false;
    void gateway.ended.then(() => {
      hasEnded = true;
    });
    const killAll = async () => {
      for (const pid of await workersOf(gateway.pid).catch(() => [])) process.kill(pid, 'SIGKILL');
      return hasEnded;
    };
    await expect.poll(killAll, { timeout: 40_000 }).toBe(true);
    const { code, stderr } = await gateway.ended;
    expect(code).toBe(1);
    expect(stderr.split('\n').filter((line) => line && !line.startsWith('{'))).toEqual([
      'Workers ended more than 6 times within 60 s: see the log',
    ]);
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('a second signal ends all at once, also workers that hang', async () => {
    await using gateway = await serve({ DATA_DIR: dataDir }, two);
    const workers = await workersOf(gateway.pid);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    process.kill(gateway.pid, 'SIGTERM');
    await gateway.logged('stopping');
    // Sooner it would count as the echo of the first.
    await delay(600);
    process.kill(gateway.pid, 'SIGTERM');
    await expect.poll(() => refusesConnections(gateway)).toBe(true);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    expect(await gateway.ended).toMatchObject({ code: 143 });
    // Throws for a line that is none, such as the stack of an error that nobody caught.
    expect(gateway.log().map(({ msg }) => msg)).not.toContain('stopped');
  });
});
