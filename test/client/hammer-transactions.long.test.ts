import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { openPgBouncer } from '../setup/pgbouncer.js';
import { seed } from '../setup/seed.js';
import { describeWithPgBouncer } from '../setup/with-pgbouncer.js';
import { type GatewayWithTenants, openGatewayWithTenants } from './support/gateway-with-tenants.js';
import { hammer } from './support/hammer-transactions.js';

let fixture: GatewayWithTenants;
let registry: TenantRegistry;
beforeAll(async () => {
  fixture = await openGatewayWithTenants(16);
  registry = fixture.connect();
});
afterAll(() => fixture?.close());

const connections = 5;
const transactions = 2_000;

/** A small run; bench/hammer-transactions.ts makes longer ones. */
async function expectNoLeak(url: string, poolSize: number): Promise<void> {
  onTestFailed(() => void process.stderr.write(`SEED=${seed}\n`));
  const { gateway, tenants } = fixture;
  const databaseUrl = gateway.serviceUrl('finance');
  const setup = { registry, gateway, tenants, databaseUrl, url, poolSize, serverConnections: connections };
  const report = await hammer({ ...setup, transactions, seed });
  const { wrongRows, unsafeConnections, torn, surprises } = report;
  expect({ wrongRows, unsafeConnections, torn, surprises }).toEqual({
    ...{ wrongRows: [], unsafeConnections: [], torn: [], surprises: [] },
  });
  // The run reached the endings that it is meant to cause.
  expect(report).toMatchObject({ transactions, connections });
  expect(report.looks).toBeGreaterThan(transactions / 2);
  expect(Object.keys(report.endings)).toEqual(
    expect.arrayContaining(['committed', 'aborted request', 'statement timeout', 'connection lost']),
  );
}

describe('thousands of transactions with errors, timeouts, aborts and lost connections', () => {
  test('no tenant sees a row of another, and every connection is returned as it was lent', async () => {
    await expectNoLeak(fixture.gateway.serviceUrl('finance'), connections);
  }, 120_000);
});

describeWithPgBouncer(
  'the same through PgBouncer, where the next transaction may get another server connection',
  () => {
    test('no tenant sees a row of another, and every server connection stays as it was', async () => {
      await using bouncer = await openPgBouncer(fixture.gateway.serviceUrl('finance'), connections);
      await expectNoLeak(bouncer.url, 2 * connections);
    }, 120_000);
  },
);
