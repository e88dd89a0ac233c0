import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openEvents, type RouteEvent } from './support/event-stream.js';

let gateway: TestGateway;
let acme: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance').at(gateway);
});
afterAll(() => gateway?.close());

const subscribers = async () => {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(/^tenant_registry_subscribers (\d+)$/m.exec(text)?.[1]);
};

const rename = async (name: string) =>
  (await mutate(gateway, 'updateTenant', { tenantId: acme.id, name })).result.revision as string;

const places = (events: RouteEvent[]) => events.map(({ revision, position }) => `${revision}/${position}`);

/** The entries of the log, in the form in which the stream should deliver them. */
async function logAfter(revision: string): Promise<string[]> {
  const [epoch, number] = revision.split(':');
  const rows = await gateway.psql<{ place: string }>(
    `SELECT $1 || ':' || revision || '/' || position AS place FROM registry_change
     WHERE revision > $2 AND kind !~ '^(api_key|member|invitation)' ORDER BY revision, position`,
    [epoch, number],
  );
  return rows.map(({ place }) => place);
}

describe('a subscriber', () => {
  test('gets changes from now on with tenant, kind and position in the log', async () => {
    await using stream = await openEvents(gateway.url);
    expect([stream.status, stream.contentType]).toEqual([200, 'text/event-stream']);
    await expect.poll(subscribers).toBe(1);
    const revision = await rename('Acme 1');
    expect(await stream.take(1)).toEqual([
      {
        type: 'CHANGE',
        revision,
        position: 0,
        kind: 'TENANT_UPDATED',
        tenantId: acme.id,
        tenantSlug: acme.slug,
        module: null,
      },
    ]);
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: acme.id, module: 'finance' });
    expect(await stream.take(1)).toMatchObject([{ kind: 'SUBSCRIPTION_CANCELLED', module: 'finance' }]);
    await mutate(gateway, 'subscribeTenantToModule', { tenantId: acme.id, module: 'finance' });
  });

  test('gets every change in order, by revision and position', async () => {
    const since = await rename('Acme 2');
    await using stream = await openEvents(gateway.url, { since });
    const renames = Array.from({ length: 30 }, (_, at) => rename(`Acme 2.${at}`));
    await gateway.psql(
      `WITH added AS (
         INSERT INTO tenants (slug, name) SELECT 'bulk-' || i, 'Bulk' FROM generate_series(1, 50) AS i RETURNING id
       ) SELECT count(*) FROM added`,
    );
    await Promise.all(renames);
    const last = await rename('Acme 2 last');
    const expected = await logAfter(since);
    expect(expected.length).toBeGreaterThanOrEqual(81);
    expect(places(await stream.take(expected.length))).toEqual(expected);
    expect(expected.at(-1)).toBe(`${last}/0`);
  });

  test('that was disconnected continues after its last change', async () => {
    let since = await rename('Acme 3');
    const start = since;
    const heard: string[] = [];
    for (let visit = 0; visit < 10; visit++) {
      await rename(`Acme 3.${visit} while away`);
      await using stream = await openEvents(gateway.url, { since });
      await rename(`Acme 3.${visit}`);
      const events = await stream.take(2);
      heard.push(...places(events));
      since = events[1]?.revision as string;
    }
    expect(heard).toEqual(await logAfter(start));
  });

  test('that was disconnected in the middle of a revision gets the rest of it', async () => {
    const start = await rename('Acme 3 again');
    await gateway.psql(`INSERT INTO tenants (slug, name)
      SELECT 'rest-' || i, 'Rest' FROM generate_series(1, 10) AS i`);
    const last = await rename('Acme 3 at last');
    const heard: RouteEvent[] = [];
    // Each row is three entries: its settings and branding follow.
    for (const share of [10, 10, 11]) {
      const { revision: since = start, position: sincePosition } = heard.at(-1) ?? {};
      await using stream = await openEvents(gateway.url, { since, sincePosition });
      heard.push(...(await stream.take(share)));
    }
    expect(places(heard)).toEqual(await logAfter(start));
    expect(heard.at(-1)?.revision).toBe(last);
    // A subscriber that has the whole revision gets nothing of it, and one that has nothing of it gets all.
    await using after = await openEvents(gateway.url, { since: last, sincePosition: 0 });
    await using again = await openEvents(gateway.url, { since: last, sincePosition: -1 });
    const next = await rename('Acme 3 next');
    expect((await after.take(1))[0]?.revision).toBe(next);
    expect((await again.take(2)).map(({ revision }) => revision)).toEqual([last, next]);
  });

  test('gets no changes of members and API keys', async () => {
    await using stream = await openEvents(gateway.url);
    await gateway.createKey('resolve:*');
    await gateway.psql(`INSERT INTO members (tenant_id, email) VALUES ($1, 'a@example.com')`, [acme.id]);
    const revision = await rename('Acme 4');
    expect(await stream.take(1)).toMatchObject([{ kind: 'TENANT_UPDATED', revision }]);
  });

  test('that disconnects leaves no subscription behind', async () => {
    await expect.poll(subscribers).toBe(0);
    const streams = await Promise.all(Array.from({ length: 20 }, () => openEvents(gateway.url)));
    await expect.poll(subscribers).toBe(20);
    for (const stream of streams) stream.destroy();
    await expect.poll(subscribers).toBe(0);
  });
});

describe('a subscriber that cannot resume gets a resync', () => {
  async function expectResync(since: string) {
    await using stream = await openEvents(gateway.url, { since });
    const [event] = await stream.take(1);
    const revision = await rename(`Acme ${since}`);
    const [next] = await stream.take(1);
    const [epoch, number] = revision.split(':');
    expect([event, next]).toMatchObject([
      { type: 'RESYNC', revision: `${epoch}:${Number(number) - 1}`, position: 0, tenantId: null },
      { type: 'CHANGE', revision },
    ]);
  }

  test('from another epoch', async () => {
    const [epoch, number] = (await rename('Acme 5')).split(':');
    const foreign = epoch?.replaceAll(/./g, (digit) => (digit === 'f' ? '0' : 'f'));
    await expectResync(`${foreign}:${number}`);
  });

  test('from a revision in the future', async () => {
    const [epoch, number] = (await rename('Acme 6')).split(':');
    await expectResync(`${epoch}:${Number(number) + 1}`);
  });

  test('from too far behind', async () => {
    const since = await rename('Acme 7');
    // Simulates that many revisions: real ones would take half a minute.
    await gateway.psql(`ALTER TABLE registry_head DISABLE TRIGGER USER;
      UPDATE registry_head SET revision = revision + 100001; ALTER TABLE registry_head ENABLE TRIGGER USER`);
    await expectResync(since);
  });
});

describe('a subscription is refused', () => {
  test('for an API key that may not resolve routes', async () => {
    const key = await gateway.createKey('registry:read', 'registry:write');
    await using stream = await openEvents(gateway.url, { key });
    await stream.ended;
    expect([stream.codes, await stream.next()]).toEqual([['FORBIDDEN'], undefined]);
    await using allowed = await openEvents(gateway.url, { key: await gateway.createKey('resolve:finance') });
    await rename('Acme 8');
    expect(await allowed.take(1)).toMatchObject([{ tenantId: acme.id }]);
  });

  test('with a revision that is not valid', async () => {
    await using stream = await openEvents(gateway.url, { since: 'yesterday' });
    await stream.ended;
    expect(stream.codes).toEqual(['VALIDATION_ERROR']);
    await expect.poll(subscribers).toBe(0);
  });
});

describe('a subscriber that does not read', () => {
  test('gets every change when it reads again', async () => {
    const since = await rename('Acme 9');
    await using stream = await openEvents(gateway.url, { since });
    stream.pause();
    for (let batch = 0; batch < 10; batch++)
      await gateway.psql(`INSERT INTO tenants (slug, name)
        SELECT 'slow-${batch}-' || i, 'Slow' FROM generate_series(1, 100) AS i`);
    stream.resume();
    expect(places(await stream.take(3_000))).toEqual(await logAfter(since));
  });

  test('causes no reading ahead: only the network buffers events', async () => {
    const { pulled, restore } = changeWithoutEnd();
    await using stream = await openEvents(gateway.url);
    stream.pause();
    await expect
      .poll(
        async () => {
          const before = pulled();
          await delay(300);
          return before > 0 && pulled() - before;
        },
        { timeout: 15_000 },
      )
      .toBe(0);
    restore();
  });
});

/** Simulates an endless log; returns how many changes were requested. */
function changeWithoutEnd(): { pulled: () => number; restore: () => void } {
  const changes = gateway.app.gateway?.freshness.changes;
  if (!changes) throw new Error('the gateway has no change stream');
  const { subscribe } = changes;
  let pulled = 0;
  changes.subscribe = () => {
    const subscription = subscribe(undefined, () => 'whole');
    subscription.next = async () => {
      pulled++;
      // Yields to other work, as a read from the log does.
      if (pulled % 100 === 0) await delay(0);
      return { value: { kind: 'resync', epoch: 'f'.repeat(16), revision: BigInt(pulled) }, done: false };
    };
    return subscription;
  };
  const restore = () => {
    changes.subscribe = subscribe;
  };
  return { pulled: () => pulled, restore };
}

test('when the gateway stops, subscriptions end with the event "complete"', async () => {
  const second = await openGateway({ sharing: gateway });
  const streams = await Promise.all(Array.from({ length: 5 }, () => openEvents(second.url)));
  const startedAt = performance.now();
  await second.close();
  expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(Array(5).fill('complete'));
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
