import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
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
