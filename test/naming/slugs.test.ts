import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { type Registered, testHostileNames } from './support/hostile-names.js';
import { repeatMutation } from './support/repeated-mutations.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'light', migrations: {} });
});
afterAll(() => testbed?.close());

testHostileNames(80, () => testbed);

test.each([
  ['Café Müller & Co', 'cafe-muller-co'],
  ["O'Neil's", 'oneils'],
  ['  Acme  (Pty) Ltd. ', 'acme-pty-ltd'],
  ['ＷＩＤＥ Ｌｔｄ', 'wide-ltd'],
  ['__proto__ Ltd', 'proto-ltd'],
  ['constructor.prototype', 'constructor-prototype'],
  [`${'abcdefghi '.repeat(6)}`, 'abcdefghi-abcdefghi-abcdefghi-abcdefghi'],
])('the slug for the name %j is %j', async (name, slug) => {
  const [outcome] = await repeatMutation<Registered>(
    testbed.gateway,
    'registerTenant',
    'tenant { id slug name }',
    [{ name }],
  );
  expect(outcome).toMatchObject({ payload: { tenant: { slug, name: name.trim() } } });
});

test.each(['аcme', 'Ακμή', 'Straße', 'ıstanbul', '東京', '42', '!!!', '😀', 'pg_x and me\u0000'])(
  'no slug can be derived from the name %j, and no other tenant’s slug is used',
  async (name) => {
    const [outcome] = await repeatMutation(testbed.gateway, 'registerTenant', 'tenant { id slug name }', [
      { name },
    ]);
    expect(outcome?.code).toBe('VALIDATION_ERROR');
    expect(outcome?.fields).toHaveLength(1);
  },
);
