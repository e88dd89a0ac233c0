import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { openGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import { blockingStatement, blockMigrations, waitFor } from '../support/blocked-migration.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { newestOperation } from '../support/operation-calls.js';
import { silenceUntilTaken } from '../support/silence.js';

/** Ways of an operation, and the attempts that each of them leaves. */

let testbed: GatewayWithModules;
let slug: string;
let alice: string;
let bob: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
  alice = await testbed.gateway.createKey('provision', 'registry:read', 'registry:write');
  bob = await testbed.gateway.createKey('provision', 'registry:read');
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const psql = <Row extends Record<string, unknown>>(sql: string, values?: unknown[]) =>
  testbed.gateway.psql<Row>(sql, values);

/** "alice", "bob", "hand" for SQL by hand, or another actor as it is. */
async function nameOf(actor: string | null): Promise<string | null> {
  for (const [name, key] of Object.entries({ alice, bob })) {
    const { data } = await testbed.gateway.ask('{ viewer { actor } }', {}, { key });
    if (data.viewer.actor === actor) return name;
  }
  return actor?.startsWith('role:') ? 'hand' : actor;
}

/** "1 COMPENSATED by alice after 1 run: CREATE_SCHEMA beta: …broken on purpose…" */
async function attemptsOf(id: string): Promise<string[]> {
  const { data, errors } = await testbed.gateway.ask(
    `query ($id: ID!) { operation(id: $id) {
       status attempt
       attempts { number status actor runs error cancelRequestedBy cancelRequestedAt createdAt startedAt finishedAt
                  steps { name module status error } } } }`,
    { id },
  );
  expect(errors).toEqual([]);
  const { status, attempt, attempts } = data.operation;
  const last = attempts.at(-1);
  expect([last.status, last.number, attempts.length]).toEqual([status, attempt, attempt]);
  const lines: string[] = [];
  for (const one of attempts) {
    const canceller = await nameOf(one.cancelRequestedBy);
    expect(one.cancelRequestedAt === null).toBe(canceller === null);
    const isOpen = ['QUEUED', 'RUNNING', 'COMPENSATING'].includes(one.status);
    expect([one.startedAt === null, one.finishedAt === null]).toEqual([one.runs === 0, isOpen]);
    const failures = one.steps
      .filter(({ error }: { error: string | null }) => error)
      .map((step: { name: string; module: string }) => `${step.name} ${step.module}`);
    lines.push(
      [
        `${one.number} ${one.status} by ${await nameOf(one.actor)}, runs ${one.runs}`,
        ...(canceller ? [`cancelled by ${canceller}`] : []),
        ...(one.error ? [`error in ${failures.join(' and ') || 'no step'}`] : []),
      ].join(', '),
    );
  }
  return lines;
}

const control = (name: 'retryOperation' | 'cancelOperation', id: string, key: string) =>
  mutate(testbed.gateway, name, { id }, 'operation { status } revision', { key });

async function breakBeta() {
  await testbed.write('beta/0003_half.sql', brokenMigration);
  onTestFinished(() => testbed.remove('beta/0003_half.sql'));
}
const mendBeta = () => testbed.write('beta/0003_half.sql', correctedMigration);

/** Alice provisions a tenant with both modules; returns the id of the operation. */
async function provision(): Promise<string> {
  const input = { name: slug, slug, adminEmail: 'a@example.com', modules: ['alpha', 'beta'] };
  const { result } = await mutate(testbed.gateway, 'provisionTenant', input, 'operation { id } revision', {
    key: alice,
  });
  return result.operation.id;
}

async function subscribe(): Promise<string> {
  const { id } = await aTenant({ slug }).at(testbed.gateway);
  const input = { tenantId: id, module: 'beta' };
  const { result } = await mutate(
    ...([testbed.gateway, 'subscribeTenantToModule', input, 'operation { id } revision'] as const),
    { key: alice },
  );
  return result.operation.id;
}

/** Alice's operation stands in the middle of alpha's migration while `meanwhile` runs. */
async function whileRunning(meanwhile: (id: string) => Promise<unknown>): Promise<string> {
  await testbed.write('alpha/0003_gate.sql', blockingStatement);
  onTestFinished(() => testbed.remove('alpha/0003_gate.sql'));
  await using block = await blockMigrations(testbed.url('alpha'));
  const running = provision();
  await block.untilBlocked();
  const [tenant] = await psql<{ id: string }>('SELECT id FROM tenants WHERE slug = $1', [slug]);
  const id = await newestOperation(testbed.gateway, tenant?.id ?? '', 'provision_tenant');
  await meanwhile(id);
  await block.release();
  expect(await running).toBe(id);
  return id;
}

/** An update of guards that cannot be done until `mend` is called. */
async function brokenBinding() {
  const { id } = await aTenant({ slug }).subscribedTo('alpha').at(testbed.gateway);
  const alpha = (sql: string) => queryOnce(testbed.url('alpha'), sql).then(() => undefined);
  await alpha('ALTER TABLE tenant_guard.binding RENAME TO binding_aside');
  const mend = () => alpha('ALTER TABLE IF EXISTS tenant_guard.binding_aside RENAME TO binding');
  onTestFinished(mend);
  await mutate(
    testbed.gateway,
    'suspendTenant',
    { tenantId: id, reason: 'unpaid', wait: 'EVERYWHERE' },
    'revision',
    {
      key: alice,
    },
  );
  const operation = await newestOperation(testbed.gateway, id, 'bind_storage');
  await waitFor(async () => (await attemptsOf(operation))[0]?.includes('NEEDS_ATTENTION') === true);
  return { operation, mend };
}

async function queuedPurge(): Promise<string> {
  const { id } = await aTenant({ slug }).subscribedTo('alpha').at(testbed.gateway);
  const change = (name: string) =>
    mutate(testbed.gateway, name, { tenantId: id }, 'revision', { key: alice });
  await change('deleteTenant');
  await change('purgeTenant');
  return newestOperation(testbed.gateway, id, 'purge_tenant');
}

const ways: [string, () => Promise<string>, string[]][] = [
  ['succeeds', provision, ['1 SUCCEEDED by alice, runs 1']],
  [
    'fails and is undone, is retried by another person and succeeds',
    async () => {
      await breakBeta();
      const id = await provision();
      await mendBeta();
      await control('retryOperation', id, bob);
      return id;
    },
    ['1 COMPENSATED by alice, runs 1, error in CREATE_SCHEMA beta', '2 SUCCEEDED by bob, runs 1'],
  ],
  [
    'fails again and again',
    async () => {
      await breakBeta();
      const id = await subscribe();
      await control('retryOperation', id, bob);
      await control('retryOperation', id, alice);
      return id;
    },
    [
      '1 FAILED by alice, runs 1, error in CREATE_SCHEMA beta',
      '2 FAILED by bob, runs 1, error in CREATE_SCHEMA beta',
      '3 FAILED by alice, runs 1, error in CREATE_SCHEMA beta',
    ],
  ],
  [
    'is retried by two people at once, of whom one is refused',
    async () => {
      await breakBeta();
      const id = await subscribe();
      await mendBeta();
      const answers = await Promise.all([1, 2].map(() => control('retryOperation', id, bob)));
      expect(answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions.code))).toEqual([
        'CONFLICT',
      ]);
      return id;
    },
    ['1 FAILED by alice, runs 1, error in CREATE_SCHEMA beta', '2 SUCCEEDED by bob, runs 1'],
  ],
  [
    'is cancelled while it is queued',
    async () => {
      const id = await queuedPurge();
      await control('cancelOperation', id, bob);
      return id;
    },
    ['1 CANCELLED by alice, runs 0, cancelled by bob, error in no step'],
  ],
  [
    'is cancelled because the tenant is restored',
    async () => {
      const id = await queuedPurge();
      await mutate(testbed.gateway, 'restoreTenant', { tenantId: slug }, 'revision', { key: alice });
      return id;
    },
    ['1 CANCELLED by alice, runs 0, cancelled by alice, error in no step'],
  ],
  [
    'is cancelled by two people while it runs, of whom the first one counts, and is retried',
    async () => {
      const id = await whileRunning(async (running) => {
        await control('cancelOperation', running, bob);
        await control('cancelOperation', running, alice);
      });
      await control('retryOperation', id, alice);
      return id;
    },
    ['1 CANCELLED by alice, runs 1, cancelled by bob, error in no step', '2 SUCCEEDED by alice, runs 1'],
  ],
  [
    'is taken over by another process after the first one has died',
    async () =>
      whileRunning(async (id) => {
        const survivor = await openGateway({
          sharing: testbed.gateway,
          config: { ...testbed.config, runsWorker: true },
        });
        onTestFinished(() => survivor.close());
        await silenceUntilTaken(testbed.gateway, id);
        await waitFor(async () => (await attemptsOf(id))[0]?.includes('runs 2') === true);
      }),
    ['1 SUCCEEDED by alice, runs 2'],
  ],
  [
    'needs attention, is retried in vain, and succeeds when its cause is removed',
    async () => {
      const { operation, mend } = await brokenBinding();
      await control('retryOperation', operation, bob);
      await mend();
      await control('retryOperation', operation, alice);
      return operation;
    },
    [
      '1 NEEDS_ATTENTION by alice, runs 1, error in BIND_STORAGE alpha',
      '2 NEEDS_ATTENTION by bob, runs 1, error in BIND_STORAGE alpha',
      '3 SUCCEEDED by alice, runs 1',
    ],
  ],
  [
    'is queued again by hand, whatever else the statement sets',
    async () => {
      await breakBeta();
      const id = await subscribe();
      await psql(`UPDATE operation_steps SET status = 'queued', error = NULL WHERE operation_id = $1`, [id]);
      await psql(
        `UPDATE operations SET status = 'queued', attempt = 1, run_after = 'infinity' WHERE id = $1`,
        [id],
      );
      return id;
    },
    ['1 FAILED by alice, runs 1, error in CREATE_SCHEMA beta', '2 QUEUED by hand, runs 0'],
  ],
  [
    'is ended by hand',
    async () => {
      const id = await queuedPurge();
      await psql(
        `UPDATE operations SET status = 'failed', finished_at = now(), error = 'by hand', attempt = 7 WHERE id = $1`,
        [id],
      );
      return id;
    },
    ['1 FAILED by alice, runs 0, error in no step'],
  ],
];

describe('an operation that', () => {
  test.each(ways)('%s', async (_way, go, expected) => {
    const id = await go();
    await waitFor(async () => (await attemptsOf(id)).join('\n') === expected.join('\n')).catch(
      () => undefined,
    );
    expect(await attemptsOf(id)).toEqual(expected);
  });
});
