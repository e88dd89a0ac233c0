import { afterAll, beforeAll } from 'vitest';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { testHostileNames } from './support/hostile-names.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'light', migrations: {} });
});
afterAll(() => testbed?.close());

testHostileNames(1_000, () => testbed);
