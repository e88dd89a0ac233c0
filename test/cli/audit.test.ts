import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChangeStream } from '../../src/feed/change-stream.js';
import { Follower } from '../../src/feed/follower.js';
import { openFeedSource, readChanges } from '../../src/feed/registry-feed.js';
import { growLogSql } from '../registry/support/old-log.js';
import { runHere } from '../setup/command-line.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

const key = 'k'.repeat(32);
let gateway: TestGateway;
let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  gateway = await openGateway();
  folder = await mkdtemp(join(tmpdir(), 'tenant-registry-test-audit-'));
  env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls, AUDIT_KEY: key };
  const { id } = await aTenant({ name: 'Ünïcode "quoted" \\' }).at(gateway);
  // A separator of lines that is no line break.
  await gateway.psql(
    `UPDATE tenants SET tenant_config = jsonb_build_object('extensions', jsonb_build_object('note', E'a\\u2028b')) WHERE id = $1`,
    [id],
  );
  await mutate(gateway, 'deleteTenant', { tenantId: id, wait: 'COMMITTED' });
  await gateway.psql(growLogSql(3_000, 100));
});
afterAll(async () => {
  await gateway?.close();
  await rm(folder, { recursive: true, force: true });
});

const audit = (...args: string[]) => runHere(['audit', ...args], env);
const check = async (...args: string[]) =>
  JSON.parse((await runHere(['doctor', 'audit', '--json', ...args], env)).stdout);
const verify = async (...args: string[]) => JSON.parse((await audit('verify', '--json', ...args)).stdout);
const codes = ({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const revisions = async () => {
  const [row] = await gateway.psql<{ first: string; last: string }>(
    'SELECT min(revision) AS first, max(revision) AS last FROM registry_change',
  );
  return { first: BigInt(row?.first ?? 0), last: BigInt(row?.last ?? 0) };
};

describe('audit export', () => {
  test('writes lines that prove themselves and end with the head of the log', async () => {
    const { head, entries } = await check();
    const { stdout } = await audit('export');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(entries + 1);
    expect(JSON.parse(lines.at(-1) as string)).toEqual({ head });
    const file = join(folder, 'all.jsonl');
    await writeFile(file, stdout);
    expect(await verify(file, '--expect', head)).toMatchObject({ entries, head, problems: 0, after: null });
  });

  test('finds a line that was edited, removed or put elsewhere, and an end that was cut off', async () => {
    const lines = (await readFile(join(folder, 'all.jsonl'), 'utf8')).trimEnd().split('\n');
    const file = join(folder, 'forged.jsonl');
    const judge = async (forged: string[], ...args: string[]) => {
      await writeFile(file, `${forged.join('\n')}\n`);
      return codes(await verify(file, ...args));
    };
    expect(
      await judge(lines.with(20, (lines[20] as string).replace('operator:test', 'operator:else'))),
    ).toEqual(['ENTRY_ALTERED']);
    expect(await judge(lines.toSpliced(20, 1))).toEqual(['ENTRY_MISSING']);
    expect(await judge(lines.with(20, lines[21] as string).with(21, lines[20] as string))).toContain(
      'ENTRY_TWICE',
    );
    expect(await judge(lines.with(20, 'not json'))).toEqual(['LINE_UNREADABLE', 'ENTRY_MISSING']);
    expect(await judge(lines.slice(0, -1))).toEqual(['LINE_UNREADABLE']);
    const hundredth = JSON.parse(lines[99] as string);
    const cut = [...lines.slice(0, 100), JSON.stringify({ head: `${hundredth.entry[0]}:${hundredth.hash}` })];
    expect(await judge(cut, '--expect', JSON.parse(lines.at(-1) as string).head)).toEqual([
      'EXPECTED_HEAD_GONE',
    ]);
  });

  test('goes on in a folder with a file per month, also after it broke off in a line', async () => {
    const archive = join(folder, 'resumed');
    await audit('export', '--until', daysAgo(50), '--out', archive);
    const [last] = (await readdir(archive)).sort().slice(-1) as [string];
    const text = await readFile(join(archive, last), 'utf8');
    await writeFile(join(archive, last), text.slice(0, text.length * 0.7));
    await audit('export', '--out', archive);
    expect((await readdir(archive)).length).toBeGreaterThanOrEqual(4);
    const { head, entries } = await check();
    expect(await verify(archive)).toMatchObject({ entries, head, problems: 0 });
    expect((await audit('export', '--out', archive)).stdout).toBe(`0 entries added to ${archive}.\n`);
    expect(await verify(archive)).toMatchObject({ entries, head, problems: 0 });
  });

  test('keeps everything in a folder where a line is damaged, and names it', async () => {
    const archive = join(folder, 'damaged');
    await audit('export', '--out', archive);
    const [last = ''] = (await readdir(archive)).sort().slice(-1);
    const text = await readFile(join(archive, last), 'utf8');
    const damaged = text.replace('"entry":[', '"entry":{');
    await writeFile(join(archive, last), damaged);
    const { code, stderr } = await audit('export', '--out', archive);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Line 1 of ${join(archive, last)} is neither`),
    ]);
    expect(await readFile(join(archive, last), 'utf8')).toBe(damaged);
    // Windows has other line breaks.
    await writeFile(join(archive, last), text.replaceAll('\n', '\r\n'));
    expect(await verify(archive)).toMatchObject({ problems: 0 });
  });

  test('refuses a folder with the entries of another history', async () => {
    const archive = join(folder, 'other');
    await audit('export', '--until', daysAgo(50), '--out', archive);
    await gateway.psql(growLogSql(1, 99));
    const { code, stderr } = await audit('export', '--out', archive);
    expect(code).toBe(1);
    expect(stderr).toContain('are not followed by those of this registry');
  });
});

describe('audit prune', () => {
  test('refuses what is young, a missing key and a missing confirmation, and a dry run changes nothing', async () => {
    const before = await revisions();
    expect((await audit('prune', '--before', daysAgo(6), '--yes')).stderr).toContain('newest 7 days');
    expect((await audit('prune', '--before', daysAgo(80))).stderr).toContain('add --yes');
    const unsigned = await runHere(['audit', 'prune', '--before', daysAgo(80), '--yes'], {
      ...env,
      AUDIT_KEY: '',
    });
    expect(unsigned.stderr).toContain('AUDIT_KEY, which is not set');
    expect((await audit('prune', '--before', daysAgo(80), '--dry-run')).stdout).toMatch(
      /^Would delete revisions 1 to \d+ of the audit log\.\n$/,
    );
    expect(await revisions()).toEqual(before);
    // By SQL as well: the database itself refuses.
    const insert = `INSERT INTO registry_checkpoints (revision, position, hash, changed_at, signature)
      SELECT revision, position, hash, changed_at, '' FROM registry_change`;
    await expect(gateway.psql(`${insert} WHERE revision = ${before.last}`)).rejects.toThrow('too young');
    await expect(gateway.psql(`${insert} WHERE revision = ${before.last - 1_999n}`)).rejects.toThrow(
      'too young',
    );
    await expect(
      gateway.psql(`INSERT INTO registry_checkpoints (revision, position, hash, changed_at, signature)
        SELECT revision, position, '', changed_at, '' FROM registry_change WHERE revision = 5`),
    ).rejects.toThrow('names the last entry');
    await expect(gateway.psql('DELETE FROM registry_change WHERE revision = 1')).rejects.toThrow(
      'append-only',
    );
  });

  test('deletes nothing that is not in the archive, because it begins later', async () => {
    const before = await revisions();
    const archive = join(folder, 'later');
    await audit('export', '--from', daysAgo(85), '--until', daysAgo(82), '--out', archive);
    const { code, stderr } = await audit('prune', '--before', daysAgo(80), '--archive', archive, '--yes');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('entries from revision 1 on would be deleted'),
    ]);
    expect(await revisions()).toEqual(before);
  });

  test('leaves a checkpoint from which the rest is proven, an archive that ends there, and an entry in the log', async () => {
    const archive = join(folder, 'archive');
    const counted = 'SELECT * FROM registry_growth_problems()';
    // The entries were dated anew.
    await gateway.psql('SELECT registry_recount_growth()');
    const growth = await gateway.psql('SELECT * FROM tenant_growth ORDER BY 1');
    const known = await gateway.psql(counted);
    const { stdout } = await audit('prune', '--before', daysAgo(80), '--archive', archive, '--yes');
    const [, checkpoint = ''] = /Checkpoint (\S+)/.exec(stdout) ?? [];
    expect(await revisions()).toMatchObject({ first: BigInt(checkpoint.split(':')[0] as string) + 1n });
    expect(await verify(archive, '--expect', checkpoint)).toMatchObject({
      ...{ problems: 0, head: checkpoint, after: null, checkpoint: { head: checkpoint, isEnd: true } },
    });
    const rest = await check();
    expect(rest).toMatchObject({ problems: 0, after: checkpoint });
    expect(await check('--expect', checkpoint)).toMatchObject({ problems: 0 });
    expect(
      await gateway.psql(
        'SELECT kind, actor, after ->> $1 AS revision FROM registry_change ORDER BY registry_change.revision DESC LIMIT 1',
        ['revision'],
      ),
    ).toEqual([
      {
        kind: 'checkpoint.created',
        actor: expect.stringMatching(/^operator:/),
        revision: checkpoint.split(':')[0],
      },
    ]);
    // The archive goes on behind the checkpoint, and then has all that the log has.
    await audit('export', '--out', archive);
    expect(await verify(archive)).toMatchObject({
      problems: 0,
      head: rest.head,
      checkpoint: { isEnd: false },
    });
    // Numbers that were counted from deleted entries stay.
    await gateway.psql('SELECT registry_recount_growth()');
    expect((await gateway.psql(counted)).length).toBeLessThanOrEqual(known.length);
    expect(await gateway.psql('SELECT sum(deleted)::int AS deleted FROM tenant_growth')).toEqual([
      { deleted: growth.reduce((sum, { deleted }) => sum + Number(deleted), 0) },
    ]);
  });

  test('a checkpoint that was forged, edited or removed is found', async () => {
    const sound = await check();
    const forge = async (sql: string) => {
      await gateway.psql(
        `BEGIN; CREATE TABLE kept AS TABLE registry_checkpoints; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`,
      );
      const found = codes(await check());
      await gateway.psql(`BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM registry_checkpoints;
        INSERT INTO registry_checkpoints TABLE kept; DROP TABLE kept; COMMIT`);
      return found;
    };
    expect(await forge(`UPDATE registry_checkpoints SET hash = sha256(hash)`)).toEqual([
      'CHECKPOINT_FORGED',
      'ENTRY_UNCHAINED',
    ]);
    expect(await forge(`UPDATE registry_checkpoints SET changed_at = changed_at + interval '1 s'`)).toEqual([
      'CHECKPOINT_FORGED',
    ]);
    expect(
      await forge(`INSERT INTO registry_checkpoints (revision, position, hash, changed_at, signature)
        SELECT change.revision, change.position, change.hash, change.changed_at, known.signature FROM registry_change AS change, registry_checkpoints AS known
        WHERE change.revision = known.revision + 100`),
    ).toEqual(['CHECKPOINT_FORGED']);
    expect(await forge('DELETE FROM registry_checkpoints')).toEqual(['ENTRY_MISSING']);
    const stranger = { ...env, AUDIT_KEY: 'o'.repeat(32) };
    const refused = await runHere(['audit', 'prune', '--before', daysAgo(70), '--yes'], stranger);
    expect(refused.stderr).toContain('is not signed with AUDIT_KEY, so nothing was deleted');
    const other = await runHere(['doctor', 'audit', '--json'], stranger);
    expect(codes(JSON.parse(other.stdout))).toEqual(['CHECKPOINT_FORGED']);
    const without = await runHere(['doctor', 'audit', '--json'], { ...env, AUDIT_KEY: '' });
    expect(codes(JSON.parse(without.stdout))).toEqual(['CHECKPOINT_UNPROVEN']);
    await expect(gateway.psql('DELETE FROM registry_checkpoints')).rejects.toThrow('refused');
    expect(await check()).toEqual(sound);
  });

  test('goes on after it broke off', async () => {
    // As if the process had died between the checkpoint and the last portion.
    const { first } = await revisions();
    const [end] = await gateway.psql<{ revision: string }>(
      `SELECT revision FROM registry_change WHERE changed_at < now() - interval '70 days' ORDER BY revision DESC LIMIT 1`,
    );
    await gateway.psql('CREATE TABLE before_pruning AS TABLE registry_change');
    await audit('prune', '--before', daysAgo(75), '--yes');
    const checkpointAt = (await revisions()).first - 1n;
    const breakOff = () =>
      gateway.psql(`BEGIN; SET LOCAL session_replication_role = replica;
        INSERT INTO registry_change SELECT * FROM before_pruning WHERE revision BETWEEN ${checkpointAt - 20n} AND ${checkpointAt}; COMMIT`);
    await breakOff();
    expect(BigInt(end?.revision ?? 0)).toBeGreaterThan(first);
    expect(await check()).toMatchObject({ problems: 0 });
    await audit('prune', '--before', daysAgo(75), '--yes');
    expect((await revisions()).first).toBe(checkpointAt + 1n);
    // With an archive, the rest is in it before it is deleted.
    await breakOff();
    const rest = join(folder, 'rest');
    await audit('prune', '--before', daysAgo(75), '--archive', rest, '--yes');
    expect((await revisions()).first).toBe(checkpointAt + 1n);
    expect(await verify(rest)).toMatchObject({ problems: 0, checkpoint: { isEnd: true } });
  });
});

describe('whoever lags behind what was pruned reads everything again', () => {
  test('a gateway', async () => {
    const { pool } = gateway.app.database;
    const source = openFeedSource(pool, { stalenessMs: 5_000 });
    const { first, last } = await revisions();
    const [epoch] = await gateway.psql<{ epoch: string }>('SELECT registry_epoch() AS epoch');
    // It stood inside of what is gone, which is not further behind than a page.
    await gateway.psql(
      `BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM registry_change WHERE revision < ${last - 50n}; COMMIT`,
    );
    let isFirst = true;
    const resyncs: bigint[] = [];
    const follower = new Follower({
      source: {
        ...source,
        poll: async (report) => {
          const page = await source.poll(report);
          if (!isFirst) return page;
          isFirst = false;
          return {
            ...page,
            since: last - 100n,
            changes: [],
            head: { epoch: epoch?.epoch ?? '', revision: last - 100n, hash: 'its own' },
          };
        },
      },
      clock: () => performance.now(),
      waitingClock: () => performance.now(),
      stalenessMs: 5_000,
      onResync: () => resyncs.push(follower.floorOf('any')),
    });
    await follower.poll();
    await follower.poll();
    expect(resyncs).toHaveLength(1);
    expect(follower.position?.revision).toBe(last);
    // What was cached from inside the gap is not current any more, whatever tenant it is about.
    expect(follower.floorOf('any')).toBeGreaterThanOrEqual(last - 51n);
    await follower.stop();
    expect(first).toBeLessThan(last - 100n);
  });

  test('a subscriber and a client with a lease', async () => {
    const { pool } = gateway.app.database;
    const { first, last } = await revisions();
    const [row] = await gateway.psql<{ epoch: string }>('SELECT registry_epoch() AS epoch');
    const epoch = row?.epoch ?? '';
    expect(await readChanges(pool, { epoch, after: first - 2n, upTo: last })).toBeUndefined();
    expect(await readChanges(pool, { epoch, after: first - 1n, upTo: last })).toHaveLength(
      Number(last - first) + 1,
    );
    expect(await readChanges(pool, { epoch, after: last, upTo: last })).toEqual([]);
    const stream = openChangeStream({
      position: () => ({ epoch, revision: last }),
      read: (of, after, upTo) => readChanges(pool, { epoch: of, after, upTo }),
    });
    const behind = stream.subscribe({ epoch, revision: first - 10n }, () => 'whole');
    expect((await behind.next()).value).toMatchObject({ kind: 'resync', revision: last });
    await behind.return();
    stream.close();
  });
});
