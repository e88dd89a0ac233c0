import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { queryOnce } from './support/temporary-databases.js';

let registry: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  client = new pg.Client({ connectionString: registry.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await registry?.drop();
});

async function run(sql: string, parameters?: unknown[]): Promise<pg.QueryResultRow[]> {
  return (await client.query(sql, parameters)).rows;
}

async function head(): Promise<number> {
  const [row] = await run('SELECT revision::int FROM registry_head');
  return row?.revision;
}

const entriesAfter = (revision: number) =>
  run('SELECT revision::int, position, kind, actor FROM registry_change WHERE revision > $1 ORDER BY 1, 2', [
    revision,
  ]);

async function aTenantRow(): Promise<string> {
  const [row] = await run(`INSERT INTO tenants (slug, name) VALUES ($1, 'Acme') RETURNING id`, [
    uniqueName('t'),
  ]);
  return row?.id;
}

describe('a transaction', () => {
  test('that changes several rows is one revision, with an entry for each', async () => {
    const before = await head();
    await run('BEGIN');
    const id = await aTenantRow();
    await run(`INSERT INTO tenant_settings (tenant_id, company_name) VALUES ($1, 'Acme')`, [id]);
    await run(`INSERT INTO module_subscriptions (tenant_id, module) VALUES ($1, 'finance')`, [id]);
    await run('COMMIT');
    expect(await entriesAfter(before)).toMatchObject([
      { revision: before + 1, position: 0, kind: 'tenant.registered' },
      { revision: before + 1, position: 1, kind: 'settings.created' },
      { revision: before + 1, position: 2, kind: 'subscription.created' },
      // A trigger adds what is missing of a tenant that is inserted by hand.
      { revision: before + 1, position: 3, kind: 'branding.created' },
    ]);
    expect(await head()).toBe(before + 1);
  });

  test('that changes the registry is durable, also in a session that commits asynchronously', async () => {
    const session = new pg.Client({ connectionString: registry.url });
    await session.connect();
    try {
      await session.query('SET synchronous_commit = off');
      const commits = async (sql: string) => {
        await session.query(`BEGIN; ${sql}; SET CONSTRAINTS ALL IMMEDIATE`);
        const { rows } = await session.query('SHOW synchronous_commit');
        await session.query('COMMIT');
        return rows[0].synchronous_commit;
      };
      expect(await commits(`UPDATE tenants SET name = name || 'x' WHERE id = '${await aTenantRow()}'`)).toBe(
        'on',
      );
      expect(await commits('SELECT 1')).toBe('off');
      await session.query('SET synchronous_commit = remote_apply');
      expect(await commits(`UPDATE tenants SET name = name || 'x' WHERE id = '${await aTenantRow()}'`)).toBe(
        'remote_apply',
      );
    } finally {
      await session.end();
    }
  });

  test('stays one revision when its deferred constraints are settled before its end', async () => {
    const id = await aTenantRow();
    const before = await head();
    await run('BEGIN');
    await run(`UPDATE tenants SET name = 'One' WHERE id = $1`, [id]);
    await run('SET CONSTRAINTS ALL IMMEDIATE');
    await run(`UPDATE tenants SET name = 'Two' WHERE id = $1`, [id]);
    await run('COMMIT');
    expect(await entriesAfter(before)).toMatchObject([
      { revision: before + 1, position: 0 },
      { revision: before + 1, position: 1 },
    ]);
  });

  test('leaves no entry for changes that were rolled back to a savepoint', async () => {
    const id = await aTenantRow();
    const before = await head();
    await run('BEGIN');
    await run(`UPDATE tenants SET name = 'Kept' WHERE id = $1`, [id]);
    await run('SAVEPOINT here');
    await run(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
    await run('SET CONSTRAINTS ALL IMMEDIATE');
    await run('ROLLBACK TO here');
    await run('COMMIT');
    expect(await entriesAfter(before)).toMatchObject([{ position: 0, kind: 'tenant.updated' }]);
    expect(await findBreak()).toBeUndefined();
  });

  test('that is rolled back leaves no entry and no gap', async () => {
    const before = await head();
    await run('BEGIN');
    await aTenantRow();
    await run('SET CONSTRAINTS ALL IMMEDIATE');
    await run('ROLLBACK');
    expect(await head()).toBe(before);
    await aTenantRow();
    expect(await head()).toBe(before + 1);
  });

  test('that changes nothing makes no revision', async () => {
    const id = await aTenantRow();
    const before = await head();
    await run('UPDATE tenants SET name = name, status = status WHERE id = $1', [id]);
    await run(`UPDATE modules SET description = description`);
    expect(await entriesAfter(before)).toEqual([]);
    const [row] = await run('SELECT version FROM tenants WHERE id = $1', [id]);
    expect(row?.version).toBe(1);
  });

  test('that only records when a key was last used makes no revision', async () => {
    await run(
      `INSERT INTO api_keys (name, secret_hash, scopes) VALUES ('k', sha256('k'), '{registry:read}')`,
    );
    const before = await head();
    await run(`UPDATE api_keys SET last_used_at = now() WHERE name = 'k'`);
    expect(await head()).toBe(before);
    await run(`UPDATE api_keys SET revoked_at = now() WHERE name = 'k'`);
    expect(await head()).toBe(before + 1);
  });

  test('locks the head row only at its end: other transactions commit while it is open', async () => {
    const id = await aTenantRow();
    const before = await head();
    await run('BEGIN');
    await run(`UPDATE tenants SET name = 'Slow' WHERE id = $1`, [id]);
    await queryOnce(
      registry.url,
      `SET lock_timeout = '3s'; INSERT INTO tenants (slug, name) VALUES ('${uniqueName('t')}', 'Quick')`,
    ).finally(() => run('COMMIT'));
    expect((await entriesAfter(before)).map(({ kind }) => kind)).toEqual([
      ...['tenant.registered', 'settings.created', 'branding.created'],
      'tenant.updated',
    ]);
  });

  test('records the actor that it set, or the database role when it set none', async () => {
    const before = await head();
    await run('BEGIN');
    await run(`SELECT set_config('registry.actor', 'somebody', true)`);
    await aTenantRow();
    await run('COMMIT');
    await aTenantRow();
    const [role] = await run('SELECT session_user AS name');
    const entries = await entriesAfter(before);
    expect(
      entries.map(({ kind, actor }) => (kind === 'tenant.registered' ? actor : '')).filter(Boolean),
    ).toEqual(['somebody', `role:${role?.name}`]);
    expect(new Set(entries.map(({ actor }) => actor)).size).toBe(2);
  });

  test('notifies listeners of its revision and nothing else', async () => {
    const heard: (string | undefined)[] = [];
    const note = ({ payload }: pg.Notification) => heard.push(payload);
    client.on('notification', note);
    await run('LISTEN registry_change');
    const before = await head();
    await aTenantRow();
    await run('BEGIN');
    await aTenantRow();
    await run('ROLLBACK');
    await aTenantRow();
    // Notifications of the session's own transactions arrive before the result of this statement.
    await run('UNLISTEN registry_change');
    client.off('notification', note);
    expect(heard).toEqual([String(before + 1), String(before + 2)]);
  });

  test('gets the next revision when many writers commit at once, without a gap and in one hash chain', async () => {
    const before = await head();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 10; round++)
        await queryOnce(
          registry.url,
          `INSERT INTO tenants (slug, name) VALUES ('${uniqueName(`w${writer}`)}', 'Writer')`,
        );
    });
    await Promise.all(writers);
    const revisions = new Set((await entriesAfter(before)).map(({ revision }) => revision));
    expect([...revisions]).toEqual(Array.from({ length: 80 }, (_, at) => before + 1 + at));
    expect(await findBreak()).toBeUndefined();
  });
});

/** Recomputes the hash chain outside the database; returns the first entry that does not fit. */
async function findBreak(): Promise<string | undefined> {
  const rows = await run(`
    SELECT revision || '/' || position AS entry, previous_hash, hash, jsonb_build_array(
      revision, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role, before, after,
      to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text AS content
    FROM registry_change ORDER BY revision, position`);
  expect(rows.length).toBeGreaterThan(0);
  let previous = Buffer.alloc(0);
  for (const { entry, previous_hash, hash, content } of rows) {
    const expected = createHash('sha256').update(previous).update(content).digest();
    if (!previous.equals(previous_hash) || !expected.equals(hash)) return entry;
    previous = hash;
  }
  const [last] = await run('SELECT hash FROM registry_head');
  return previous.equals(last?.hash) ? undefined : 'head';
}

describe('the hash chain', () => {
  test('is unbroken from the first entry to the head', async () => {
    const id = await aTenantRow();
    await run(
      `UPDATE tenants SET name = 'Ünïcode "quoted" \\ back', tenant_config = '{"b": [1.50, null], "a": {}}' WHERE id = $1`,
      [id],
    );
    expect(await findBreak()).toBeUndefined();
  });

  const recompute =
    'UPDATE registry_change SET hash = registry_change_hash(registry_change) WHERE revision = $1';
  test.each([
    ['an edited entry', [`UPDATE registry_change SET actor = 'nobody' WHERE revision = $1`]],
    [
      'an edited entry with a recomputed hash',
      [`UPDATE registry_change SET before = '{}' WHERE revision = $1`, recompute],
    ],
    [
      'a changed date',
      [`UPDATE registry_change SET changed_at = changed_at - interval '1 microsecond' WHERE revision = $1`],
    ],
    ['a removed entry', ['DELETE FROM registry_change WHERE revision = $1']],
    ['removed newest entries', ['DELETE FROM registry_change WHERE revision >= $1']],
  ])('reveals %s when the triggers were disabled', async (_what, statements) => {
    const at = (await head()) + 1;
    await aTenantRow();
    await aTenantRow();
    await run('BEGIN');
    try {
      await run('SET LOCAL session_replication_role = replica');
      for (const sql of statements) await run(sql, [at]);
      expect(await findBreak()).toBeDefined();
    } finally {
      await run('ROLLBACK');
    }
    expect(await findBreak()).toBeUndefined();
  });
});

describe('a statement by hand', () => {
  const refused = { code: '42501' };
  test.each([
    `UPDATE registry_change SET actor = 'nobody'`,
    `UPDATE registry_change SET actor = actor WHERE revision = 1`,
    'DELETE FROM registry_change',
    'TRUNCATE registry_change',
    `INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
     VALUES (999999, 0, 'tenant.updated', 'x', 'nobody', 'nobody', now(), '', '')`,
    'UPDATE registry_head SET revision = revision + 1',
    'UPDATE registry_head SET revision = 0, position = 0',
    `UPDATE registry_head SET incarnation = gen_random_uuid()`,
    'DELETE FROM registry_head',
    'TRUNCATE registry_head',
    'TRUNCATE registry_head, registry_change CASCADE',
    'TRUNCATE tenants CASCADE',
    'TRUNCATE modules CASCADE',
    'TRUNCATE module_subscriptions',
    'TRUNCATE tenant_settings',
    'TRUNCATE tenant_branding',
    'TRUNCATE members CASCADE',
    'TRUNCATE invitations',
    'TRUNCATE api_keys',
    'TRUNCATE storage_names',
    'TRUNCATE personal_data_keys',
  ])('%s is refused', async (sql) => {
    await aTenantRow();
    const count =
      'SELECT (SELECT count(*) FROM registry_change) AS entries, (SELECT count(*) FROM tenants) AS tenants';
    const before = await run(count);
    await expect(run(sql)).rejects.toMatchObject(refused);
    expect(await run(count)).toEqual(before);
  });

  // Within a trigger, where the statement comes as deep as those of the log itself.
  test.each([
    `UPDATE registry_change SET actor = 'nobody'`,
    'DELETE FROM registry_change',
    'DELETE FROM registry_head',
    'TRUNCATE registry_change',
  ])('%s is refused in a trigger, too', async (sql) => {
    await run('BEGIN');
    try {
      await run('CREATE TEMPORARY TABLE bait (id int)');
      await run(
        `CREATE FUNCTION pg_temp.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${sql}; RETURN NEW; END $$`,
      );
      await run('CREATE TRIGGER spring AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION pg_temp.spring()');
      await expect(run('INSERT INTO bait VALUES (1)')).rejects.toMatchObject(refused);
    } finally {
      await run('ROLLBACK');
    }
  });

  test('cannot insert a second head row', async () => {
    const second = `INSERT INTO registry_head (id, revision, position, hash, transaction_id, transaction_at) VALUES`;
    await expect(run(`${second} (true, 0, 0, '', 0, now())`)).rejects.toMatchObject({ code: '23505' });
    await expect(run(`${second} (false, 0, 0, '', 0, now())`)).rejects.toMatchObject({ code: '23514' });
  });
});
