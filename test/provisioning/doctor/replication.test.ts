import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examineReplication } from '../../../src/provisioning/doctor/replication-examination.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';

let primary: PostgresServer;
beforeAll(async () => {
  primary = await openPostgresServer();
  await primary.query(`CREATE ROLE plain LOGIN PASSWORD 'sesame'`);
});
afterAll(() => primary?.close());

/** What doctor says of the replication to a role of this name. */
async function examine(role = 'postgres', options = ''): Promise<string[]> {
  const url = new URL(primary.url());
  if (role !== 'postgres') Object.assign(url, { username: role, password: 'sesame' });
  const pool = new pg.Pool({ connectionString: url.href, options, max: 1 });
  // A pool has ended before its connections have, and the server may stop before them.
  pool.on('error', () => undefined);
  try {
    return (await examineReplication({ pool })).map(({ code, remedy }) => `${code}: ${remedy}`);
  } finally {
    await pool.end();
  }
}

describe('doctor', () => {
  test('says nothing of a server without standbys, but for commits that wait for no disk', async () => {
    expect(await examine()).toEqual([]);
    expect(await examine('plain')).toEqual([]);
    expect(await examine('postgres', '-c synchronous_commit=local')).toEqual([]);
    expect(await examine('postgres', '-c synchronous_commit=off')).toEqual([
      expect.stringMatching(/^COMMIT_NOT_SYNCHRONOUS: ALTER ROLE postgres SET synchronous_commit = 'on'/),
    ]);
  });

  test('warns of standbys of which none is synchronous, of a role that sees none, and of commits that wait for none', async () => {
    const standby = await primary.openStandby();
    try {
      const state = async () =>
        (await primary.query('SELECT sync_state FROM pg_stat_replication'))[0]?.sync_state;
      await expect.poll(state, { timeout: 15_000 }).toBe('async');
      expect(await examine()).toEqual([expect.stringMatching(/^REPLICATION_ASYNCHRONOUS: ALTER SYSTEM SET/)]);
      expect(await examine('plain')).toEqual(['REPLICATION_NOT_VISIBLE: GRANT pg_read_all_stats TO plain']);
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
      await primary.query('SELECT pg_reload_conf()');
      await expect.poll(state, { timeout: 15_000 }).toBe('sync');
      expect(await examine()).toEqual([]);
      expect(await examine('postgres', '-c synchronous_commit=local')).toEqual([
        expect.stringMatching(/^COMMIT_NOT_SYNCHRONOUS/),
      ]);
    } finally {
      await primary.query('ALTER SYSTEM RESET synchronous_standby_names');
      await standby.close();
    }
  });
});
