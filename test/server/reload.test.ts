import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLogLevels } from '../../src/settings/log-levels.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aFolder, type ServingProcess, serve } from '../setup/process.js';

const [first, second] = ['https://one.example.com', 'https://two.example.com'] as const;

let registry: TestDatabase;
beforeAll(async () => {
  registry = await createRegistryDatabase();
});
afterAll(() => registry?.drop());

/** Whether a page of the origin may use the gateway, by the answers of as many connections as there are workers and more. */
async function admits(gateway: ServingProcess, origin: string): Promise<boolean[]> {
  const asked = Array.from({ length: 6 }, () =>
    fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', connection: 'close' },
    }),
  );
  const answers = await Promise.all(asked);
  const admitted = answers.map(({ headers }) => headers.get('access-control-allow-origin') === origin);
  return [...new Set(admitted)];
}

describe('SIGHUP', () => {
  test.each([
    ['a gateway', []],
    ['all workers of a gateway', ['--workers', '2']],
  ])('gives %s other CORS origins, and a wrong value changes nothing', async (_, args) => {
    const file = join(await aFolder(), 'origins');
    await writeFile(file, first);
    await using gateway = await serve({ DATABASE_URL: registry.url, CORS_ORIGINS_FILE: file }, args);
    expect(await admits(gateway, first)).toEqual([true]);

    await writeFile(file, `${second}/path`);
    process.kill(gateway.pid, 'SIGHUP');
    const refusal = await gateway.logged('SIGHUP: a setting is wrong, so nothing was changed');
    expect(refusal.problems).toEqual([
      expect.stringMatching(/^CORS_ORIGINS is "https:.*path": expected origins/),
    ]);
    expect(await admits(gateway, first)).toEqual([true]);

    await writeFile(file, second);
    process.kill(gateway.pid, 'SIGHUP');
    await gateway.logged('SIGHUP: read the settings again');
    await expect.poll(() => admits(gateway, second)).toEqual([true]);
    expect(await admits(gateway, first)).toEqual([false]);
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
  });

  test('reads the file of --env-file again, except variables that the environment had before', async () => {
    const file = join(await aFolder(), 'environment');
    await writeFile(file, `LOG_LEVEL=info\nCORS_ORIGINS=${first}\n`);
    const args = ['--env-file', file];
    await using gateway = await serve({ DATABASE_URL: registry.url, LOG_LEVEL: 'info' }, args);
    await writeFile(file, `LOG_LEVEL=silent\nCORS_ORIGINS=${second}\n`);
    process.kill(gateway.pid, 'SIGHUP');
    expect(await gateway.logged('SIGHUP: read the settings again')).toMatchObject({ corsOrigins: [second] });
    expect(await admits(gateway, second)).toEqual([true]);
  });
});

describe('SIGUSR2', () => {
  test.each([
    ['a gateway', []],
    ['all workers of a gateway', ['--workers', '2']],
  ])('switches %s to debug and back', async (_, args) => {
    const env = { DATABASE_URL: registry.url, LOG_LEVEL: 'info,requests=error', LOG_REQUESTS: 'all' };
    await using gateway = await serve(env, args);
    let asked = 0;
    /** Whether requests, over several connections, are in the log; each is answered before the next look. */
    const logs = async () => {
      const id = `request-${asked++}`;
      for (let n = 0; n < 6; n++)
        await fetch(`${gateway.url}/health`, {
          headers: { 'x-request-id': `${id}-${n}`, connection: 'close' },
        });
      await fetch(`${gateway.url}/nowhere`, { headers: { connection: 'close' } });
      return gateway.log().filter(({ requestId }) => String(requestId).startsWith(id)).length;
    };
    expect(await logs()).toBe(0);
    process.kill(gateway.pid, 'SIGUSR2');
    await gateway.logged('SIGUSR2: the level of all log lines is debug until the next SIGUSR2');
    await expect.poll(logs, { timeout: 10_000 }).toBe(6);
    process.kill(gateway.pid, 'SIGUSR2');
    await gateway.logged('SIGUSR2: log levels are those of LOG_LEVEL again');
    await expect.poll(logs, { timeout: 10_000 }).toBe(0);
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});

describe('LOG_LEVEL', () => {
  test.each([
    ['warn', { rest: 'warn', parts: {} }],
    ['info,feed=debug, provisioning=warn', { rest: 'info', parts: { feed: 'debug', provisioning: 'warn' } }],
    ['requests=silent', { rest: 'info', parts: { requests: 'silent' } }],
  ])('%s', (text, levels) => {
    expect(readLogLevels(text)).toEqual(levels);
  });

  test.each([
    'loud',
    'info,warn',
    'feed=loud',
    'sleep=info',
    'feed=info,feed=warn',
    'info,',
    'feed=info=warn',
    '',
  ])('is refused as "%s"', (text) => {
    expect(readLogLevels(text)).toBeUndefined();
  });
});
