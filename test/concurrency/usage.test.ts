import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { recordersOf, UsageRefusal } from '../../src/registry/usage/usage-recorder.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';
import { raceForQuota } from './support/usage-race.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  const everything = await gateway.createKey('registry:read', 'registry:write');
  const asked = gateway.ask;
  gateway.ask = (query, variables, options) => asked(query, variables, { key: everything, ...options });
});
afterAll(() => gateway?.close());

test('records at two gateways fill the limit exactly, although one gateway is killed and its clients repeat', async () => {
  const { repeated: _, ...tally } = await raceForQuota(gateway, {
    calls: 600,
    limit: 300,
    atATime: 60,
    killAfter: 150,
  });
  expect(tally).toEqual({ accepted: 300, refused: 300, counted: 300 });
}, 180_000);

test('a tenant whose counter another session has locked refuses only its own records', async () => {
  const tenants = [await aTenant().at(gateway), await aTenant().at(gateway), await aTenant().at(gateway)];
  const { recorder } = recordersOf(gateway.app.database);
  /** All in one turn of the event loop, so that they share a statement. */
  const recordAll = () =>
    Promise.all(
      tenants.map(async ({ id }) => {
        const recording = recorder.record('developer', { tenantId: id, metric: 'MONTHLY_QUOTES', amount: 1 });
        const answer = await recording.catch(({ code }) => code);
        return answer instanceof UsageRefusal ? answer.code : (answer.usage?.used ?? answer);
      }),
    );
  expect(await recordAll()).toEqual([1, 1, 1]);
  const session = new pg.Client({ connectionString: gateway.registry.url });
  await session.connect();
  onTestFinished(() => session.end());
  await session.query('BEGIN');
  await session.query('SELECT FROM tenant_usage WHERE tenant_id = $1 FOR UPDATE', [tenants[1]?.id]);
  expect(await recordAll()).toEqual([2, 'REGISTRY_UNAVAILABLE', 2]);
  await session.query('COMMIT');
  expect(await recordAll()).toEqual([3, 2, 3]);
});
