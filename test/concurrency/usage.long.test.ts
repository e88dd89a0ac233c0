import { expect, test } from 'vitest';
import { openGateway } from '../setup/gateway.js';
import { raceForQuota } from './support/usage-race.js';

test('10,000 concurrent records against a limit of 5,000: exactly 5,000 succeed, across a kill -9', async () => {
  await using gateway = await openGateway({ authMode: 'required' });
  const everything = await gateway.createKey('registry:read', 'registry:write');
  const asked = gateway.ask;
  gateway.ask = (query, variables, options) => asked(query, variables, { key: everything, ...options });
  const { repeated: _, ...tally } = await raceForQuota(gateway, {
    ...{ calls: 10_000, limit: 5_000, atATime: 10_000, killAfter: 2_500 },
  });
  expect(tally).toEqual({ accepted: 5_000, refused: 5_000, counted: 5_000 });
}, 600_000);
