import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

describe('stats at the command line', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const { id: other } = await aTenant().at(gateway);
    await mutate(gateway, 'updateTenant', { tenantId: other, plan: 'PRO' });
    await mutate(gateway, 'suspendTenant', { tenantId: other, reason: 'unpaid' });
    await mutate(gateway, 'recordUsage', { tenantId: id, metric: 'MONTHLY_QUOTES', amount: 90 });
  });
  afterAll(() => gateway?.close());

  const stats = (...args: string[]) => runHere(['stats', ...args], env);

  test('prints the numbers as sections', async () => {
    const { code, stdout, stderr } = await stats();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const cells = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(cells.slice(0, 3)).toEqual([['2 tenants'], ['1 active, 1 suspended'], ['1 lite, 1 pro']]);
    for (const row of [
      ['MODULE', 'TENANTS', 'SUBSCRIPTIONS'],
      ['finance', '1', '1 active'],
      ['operations', '0', '–'],
      ['FROM', 'REGISTERED', 'DELETED', 'RESTORED', 'PURGED'],
      [`${new Date().toISOString().slice(0, 10)} 00:00 UTC`, '2', '0', '0', '0'],
      ['monthly_quotes', '90', '1', '0'],
      ['Operations'],
      ['0 queued, 0 running, 0 need attention, 0 failed'],
    ])
      expect(cells).toContainEqual(row);
    expect(stdout).toMatch(/\n {2}median \d+ ms, 95 % within \d+ ms, of the newest 1\n$/);
  });

  test('--json has the numbers of registryStats', async () => {
    const { code, stdout } = await stats('--json', '--by', 'month', '--timezone', 'Africa/Johannesburg');
    expect(code).toBe(0);
    const { data, errors } = await gateway.ask(`{ registryStats {
      tenants { total byStatus { status count } byPlan { plan count } }
      modules { module tenants subscriptions { status count } }
      growth(by: MONTH, timezone: "Africa/Johannesburg") { registered deleted restored purged }
      quotas { metric used tenantsAbove80Percent tenantsAtLimit }
      operations { queued running needsAttention failed medianMs p95Ms sampled } } }`);
    expect(errors).toEqual([]);
    const printed = JSON.parse(stdout);
    expect(printed).toMatchObject({ ...data.registryStats, growth: expect.any(Array) });
    // The default range of growth has another beginning for the command line, its end is the same.
    expect(printed.growth.at(-1)).toMatchObject(data.registryStats.growth.at(-1));
  });

  test.each([
    ['a date that is none', ['--since', 'monday'], /^error: option '--since <date>'/],
    ['a step that is none', ['--by', 'year'], /^error: option '--by <step>'/],
    ['a time zone that is none', ['--timezone', 'Mars/Base'], /^VALIDATION_ERROR: timezone: /],
    ['an empty range', ['--since', '2026-02-01', '--until', '2026-01-01'], /^VALIDATION_ERROR: since: /],
  ])('%s is refused', async (_what, args, complaint) => {
    const { code, stdout, stderr } = await stats(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(complaint);
  });
});
