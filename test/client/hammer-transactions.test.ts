import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { openPgBouncer } from '../setup/pgbouncer.js';
import { describeWithPgBouncer } from '../setup/with-pgbouncer.js';
import { openTown, type Town } from './support/gateway-with-tenants.js';
import { hammer } from './support/hammer-transactions.js';

let town: Town;
let registry: TenantRegistry;
beforeAll(async () => {
  town = await openTown(16);
  registry = town.connect();
});
afterAll(() => town?.close());

const seed = Number(process.env.SEED ?? randomInt(1e9));
const connections = 5;
const transactions = 2_000;

/** bench/hammer-transactions.ts runs more of them. */
async function expectNoLeak(url: string, poolSize: number): Promise<void> {
  onTestFailed(() => void process.stderr.write(`SEED=${seed}\n`));
  const { gateway, tenants } = town;
  const databaseUrl = gateway.serviceUrl('finance');
  const ground = { registry, gateway, tenants, databaseUrl, url, poolSize, serverConnections: connections };
  const report = await hammer({ ...ground, transactions, seed });
  const { wrongRows, unsafeConnections, torn, surprises } = report;
  expect({ wrongRows, unsafeConnections, torn, surprises }).toEqual({
    ...{ wrongRows: [], unsafeConnections: [], torn: [], surprises: [] },
  });
  // It has come to what it is for.
  expect(report).toMatchObject({ transactions, connections });
  expect(report.looks).toBeGreaterThan(transactions / 2);
  expect(Object.keys(report.endings)).toEqual(
    expect.arrayContaining(['committed', 'aborted request', 'statement timeout', 'connection lost']),
  );
}

describe('thousands of transactions in which everything goes wrong', () => {
  test('show nobody a row of another tenant and leave every connection as it was', async () => {
    await expectNoLeak(town.gateway.serviceUrl('finance'), connections);
  }, 120_000);
});

describeWithPgBouncer(
  'the same through a PgBouncer, where the next transaction has another connection',
  () => {
    test('shows nobody a row of another tenant and leaves every connection of the server as it was', async () => {
      await using bouncer = await openPgBouncer(town.gateway.serviceUrl('finance'), connections);
      await expectNoLeak(bouncer.url, 2 * connections);
    }, 120_000);
  },
);
