import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  applyBinding,
  type BindingState,
  findBinding,
  listBindings,
  type ToldState,
} from '../../../src/provisioning/fence/binding.js';
import {
  enter,
  type GuardedDatabase,
  type GuardedTenant,
  guardedModule,
  openGuardedDatabase,
  refusalOf,
} from '../support/guarded-schemas.js';

let guarded: GuardedDatabase;
let acme: GuardedTenant;
beforeAll(async () => {
  guarded = await openGuardedDatabase();
});
afterAll(() => guarded[Symbol.asyncDispose]());
beforeEach(async () => {
  acme = await guarded.addTenant();
});

async function aRegistry(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: guarded.url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

const wanted = () => ({
  schemaName: acme.schema,
  owner: { tenantId: acme.id, module: guardedModule },
});
const told = (state: BindingState, revision: bigint, epoch = 'one'): ToldState => ({
  ...{ generation: acme.generation, state, epoch, revision, began: 0n },
});
const apply = async (state: ToldState) =>
  (await applyBinding(guarded.registry, wanted(), async () => state)).outcome;
const standing = async () => (await findBinding(guarded.registry, acme.schema))?.state;

describe('a binding', () => {
  test('is replaced by a newer revision, and never by an older one of the same epoch', async () => {
    expect(await apply(told('suspended', 1_000n))).toBe('applied');
    expect(await apply(told('suspended', 1_000n))).toBe('unchanged');
    expect(await apply(told('active', 999n))).toBe('superseded');
    expect(await standing()).toBe('suspended');
    expect(await apply(told('active', 1_001n))).toBe('applied');
    expect(await standing()).toBe('active');
  });

  test('follows a restored registry, which starts a new epoch', async () => {
    await apply(told('active', 1_000n));
    expect(await apply(told('suspended', 7n, 'two'))).toBe('applied');
    expect(await standing()).toBe('suspended');
    expect(await apply(told('active', 6n, 'two'))).toBe('superseded');
  });

  const restored = (generation: number): ToldState => ({
    ...told('active', 7n, 'two'),
    generation,
    began: 6n,
  });

  test.each<[BindingState, number, number, string]>([
    ['suspended', 0, 0, 'superseded'],
    ['closed', 0, 0, 'superseded'],
    ['active', 1, 0, 'superseded'],
    ['active', 0, 0, 'applied'],
    // The registry has decided anew.
    ['closed', 0, 1, 'applied'],
    ['closed', 1, 1, 'superseded'],
  ])(
    'that a lost change left %s with generation +%i: generation +%i of the restored registry is %s',
    async (state, lost, kept, outcome) => {
      const { generation } = acme;
      await apply({ ...told(state, 1_000n), generation: generation + lost });
      const before = await findBinding(guarded.registry, acme.schema);
      expect(await apply(restored(generation + kept))).toBe(outcome);
      if (outcome === 'superseded') expect(await findBinding(guarded.registry, acme.schema)).toEqual(before);
      else expect(await standing()).toBe('active');
    },
  );

  test('of a lost change is closed, also by an older generation, and opened where its storage is taken into use anew', async () => {
    const { generation } = acme;
    await apply({ ...told('active', 1_000n), generation: generation + 1 });
    expect(await apply({ ...restored(generation), state: 'suspended' })).toBe('applied');
    expect(await standing()).toBe('suspended');
    await apply({ ...told('closed', 2_000n, 'three'), began: 6n });
    const open = { ...restored(generation), epoch: 'four' };
    expect(await apply(open)).toBe('superseded');
    const { outcome } = await applyBinding(guarded.registry, wanted(), async () => open, { opensLost: true });
    expect(outcome).toBe('applied');
  });

  test('of no lost change is opened by the next epoch, which every start of the server begins', async () => {
    await apply(told('suspended', 6n));
    expect(await apply(restored(acme.generation))).toBe('applied');
  });

  test('keeps large revisions exact', async () => {
    await apply(told('suspended', 2n ** 62n + 1n));
    expect((await findBinding(guarded.registry, acme.schema))?.revision).toBe(2n ** 62n + 1n);
  });

  test('ends with the registry’s last state, whatever the order and epoch of concurrent writers', async () => {
    let truth = told('active', 1_000n);
    const change = (at: number) => {
      const state = at % 2 === 0 ? 'suspended' : 'active';
      // In the middle the registry is restored to an earlier revision, and gives the storage a later generation.
      truth =
        at === 20
          ? { ...told(state, 10n, 'two'), generation: truth.generation + 1 }
          : { ...truth, state, revision: truth.revision + 1n };
    };
    const registries = await Promise.all(Array.from({ length: 8 }, aRegistry));
    let changes = 0;
    await Promise.all(
      registries.map(async (registry) => {
        for (let round = 0; round < 5; round++) {
          change(++changes);
          await delay(Math.random() * 10);
          await applyBinding(registry, wanted(), async () => {
            const read = truth;
            await delay(Math.random() * 10);
            return read;
          });
        }
      }),
    );
    const { began: _, ...last } = truth;
    expect(await findBinding(guarded.registry, acme.schema)).toMatchObject(last);
  });

  test('of another tenant or module is not changed, and the registry’s state is not even read', async () => {
    const before = await findBinding(guarded.registry, acme.schema);
    for (const owner of [
      { tenantId: randomUUID(), module: guardedModule },
      { tenantId: acme.id, module: 'operations' },
    ]) {
      let asked = false;
      const attempt = applyBinding(guarded.registry, { ...wanted(), owner }, async () => {
        asked = true;
        return told('active', 5_000n);
      });
      await expect(attempt).rejects.toMatchObject({
        ...{ code: 'CONFLICT', message: expect.stringContaining(`bound to tenant ${acme.id}`) },
      });
      expect(asked).toBe(false);
    }
    expect(await findBinding(guarded.registry, acme.schema)).toEqual(before);
  });

  test('is not created for a schema that does not exist, but an existing one is updated after its schema was dropped', async () => {
    const { owner } = wanted();
    const absent = { schemaName: 'never_made', owner };
    expect(await applyBinding(guarded.registry, absent, async () => told('active', 1n))).toEqual({
      ...{ outcome: 'absent', binding: undefined },
    });
    await guarded.registry.query(`DROP SCHEMA ${acme.schema} CASCADE`);
    expect(await apply(told('closed', 1_000n))).toBe('applied');
    expect(await standing()).toBe('closed');
  });

  test('does not hold for another schema that replaced the bound one', async () => {
    await guarded.registry.query(`DROP SCHEMA ${acme.schema} CASCADE; CREATE SCHEMA ${acme.schema}`);
    await apply(told('active', 1_000n));
    expect((await findBinding(guarded.registry, acme.schema))?.isSameSchema).toBe(false);
  });

  test('is listed with all other bindings of the database', async () => {
    const globex = await guarded.addTenant();
    const names = (await listBindings(guarded.registry)).map(({ schemaName }) => schemaName);
    expect(names).toEqual(expect.arrayContaining([acme.schema, globex.schema]));
    expect(names).toEqual(names.toSorted());
  });
});

describe('a process that applies a binding', () => {
  test('loses its session when it freezes, and a suspension is applied without it', async () => {
    const patienceMs = 300;
    const frozen = await aRegistry();
    let thaw = () => {};
    const asked = new Promise<void>((isAsked) => {
      const late = applyBinding(
        frozen,
        wanted(),
        () => {
          isAsked();
          return new Promise((resolve) => {
            thaw = () => resolve(told('active', 5_000n));
          });
        },
        { patienceMs },
      );
      onTestFinished(async () => {
        thaw();
        await expect(late).rejects.toThrow();
        expect(await standing()).toBe('suspended');
      });
    });
    await asked;
    const from = performance.now();
    const suspended = await applyBinding(guarded.registry, wanted(), async () => told('suspended', 1_000n), {
      patienceMs,
    });
    expect(suspended.outcome).toBe('applied');
    expect(performance.now() - from).toBeGreaterThan(patienceMs / 2);
    expect(performance.now() - from).toBeLessThan(patienceMs * 2);
    expect(await refusalOf(enter(await guarded.connect(), acme))).toBe('TR002 TENANT_SUSPENDED');
  });

  test('gives up when the lock is held for too long', async () => {
    const holder = await aRegistry();
    await holder.query(`SELECT pg_advisory_lock(hashtextextended('tenant_guard/apply/' || $1, 0))`, [
      acme.schema,
    ]);
    const attempt = applyBinding(guarded.registry, wanted(), async () => told('active', 1n), {
      patienceMs: 100,
    });
    await expect(attempt).rejects.toMatchObject({ code: '55P03' });
  });

  test('changes nothing when the registry cannot be read', async () => {
    const before = await findBinding(guarded.registry, acme.schema);
    const attempt = applyBinding(guarded.registry, wanted(), () => Promise.reject(new Error('away')));
    await expect(attempt).rejects.toThrow('away');
    expect(await findBinding(guarded.registry, acme.schema)).toEqual(before);
  });

  test('reads the newest binding, whatever the default isolation level of its role', async () => {
    const registry = await aRegistry();
    await registry.query('SET default_transaction_isolation = serializable');
    const first = await applyBinding(registry, wanted(), async () => {
      return told('suspended', 1_000n);
    });
    expect(first.outcome).toBe('applied');
    await registry.query('SET default_transaction_read_only = on');
    const second = await applyBinding(registry, wanted(), async () => told('active', 1_001n));
    expect(second.outcome).toBe('applied');
  });
});
