import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { authorize } from '../auth/permissions.js';
import { invalidField } from '../errors.js';
import type { CommandContext } from './command.js';

/**
 * Whether the change log still is what the triggers wrote. Every entry is hashed anew here, and not by the database's own
 * function, which whoever may rewrite the log may rewrite as well; all of it in one snapshot, in bounded memory.
 */

type ChainProblemCode =
  | 'ENTRY_ALTERED'
  | 'ENTRY_MISSING'
  | 'ENTRY_TWICE'
  | 'ENTRY_UNCHAINED'
  | 'HEAD_WRONG'
  | 'EXPECTED_HEAD_GONE';

export interface ChainProblem {
  code: ChainProblemCode;
  revision: string;
  position: number;
  problem: string;
}

/** The newest entry, as doctor prints it and takes it back: "<revision>:<hash>", "0:" of an empty log. */
type ChainHead = string;

export interface ChainReport {
  entries: number;
  head: ChainHead;
  /** How many problems were reported. */
  problems: number;
}

export interface ChainOptions {
  /** A head that was noted earlier. Alone it shows a chain that was computed anew from some entry on. */
  expect?: ChainHead | undefined;
  onProblem: (problem: ChainProblem) => void;
  onProgress?: (entries: number) => void;
}

/** Checks the log of the registry; throws VALIDATION_ERROR when `expect` is no head. */
export async function checkChangeLog(context: CommandContext, options: ChainOptions): Promise<ChainReport> {
  authorize(context.caller, 'readAuditLog');
  readHead(options.expect);
  const client = await context.database.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await checkHashChain(client, options);
  } finally {
    // With its transaction: the session is not used again.
    client.release(true);
  }
}

interface ChangeLogEntry {
  revision: string;
  position: number;
  previousHash: Buffer;
  hash: Buffer;
  /** What registry_change_hash hashes, after previousHash. */
  content: string;
  /** Holds a value that no trigger writes and that reads in `content` as another. */
  isForged: boolean;
}

type Place = Pick<ChangeLogEntry, 'revision' | 'position'>;

/** The same in a transaction of the caller's, which has to be REPEATABLE READ. */
export async function checkHashChain(client: ClientBase, options: ChainOptions): Promise<ChainReport> {
  const expected = readHead(options.expect);
  let problems = 0;
  const report = (code: ChainProblemCode, { revision, position }: Place, problem: string) => {
    problems++;
    options.onProblem({ code, revision, position, problem });
  };

  let entries = 0;
  let last: Place = { revision: '0', position: 0 };
  /** Hashes that the next entry may name: that of the entry before, and what it should be where that was reported. */
  let links: Buffer[] = [Buffer.alloc(0)];
  let lastHash: Buffer = Buffer.alloc(0);
  let hashAtExpected: string | undefined = expected?.revision === '0' ? '' : undefined;
  for await (const entry of readEntries(client, options.onProgress)) {
    const computed = createHash('sha256').update(entry.previousHash).update(entry.content).digest();
    const gap = compareWithNext(last, entry, entries === 0);
    if (gap === 'twice') report('ENTRY_TWICE', entry, 'stands twice, or in the wrong place');
    else if (gap) report('ENTRY_MISSING', gap, `is missing; the next entry is ${at(entry)}`);
    else if (!links.some((link) => link.equals(entry.previousHash)))
      report(
        'ENTRY_UNCHAINED',
        entry,
        entries === 0
          ? 'is the first and names an entry before it'
          : `does not name the hash of ${at(last)} before it: one of the two was replaced`,
      );
    const isAltered = !computed.equals(entry.hash) || entry.isForged;
    if (isAltered) report('ENTRY_ALTERED', entry, 'holds something else than when its hash was computed');

    entries++;
    last = entry;
    lastHash = entry.hash;
    links = isAltered ? [entry.hash, computed] : [entry.hash];
    if (entry.revision === expected?.revision) hashAtExpected = entry.hash.toString('hex');
  }

  const { rows: heads } = await client.query<Place & { hash: Buffer }>(
    'SELECT revision::text, position, hash FROM public.registry_head',
  );
  const [head] = heads;
  if (!head || heads.length > 1)
    report(
      'HEAD_WRONG',
      last,
      `is the end of the log, but registry_head has ${heads.length} rows instead of one`,
    );
  else if (at(head) !== at(last))
    report(
      'HEAD_WRONG',
      head,
      `is the end of the log for registry_head, but the newest entry is ${at(last)}`,
    );
  else if (!links.some((link) => link.equals(head.hash)))
    report('HEAD_WRONG', head, 'has another hash in registry_head: one of the two was replaced');

  if (expected && hashAtExpected !== expected.hash)
    report(
      'EXPECTED_HEAD_GONE',
      { revision: expected.revision, position: 0 },
      hashAtExpected === undefined
        ? 'is expected, but the log does not have this revision'
        : 'is expected with another hash: the log up to here was written anew, or is another registry’s',
    );
  return { entries, head: `${last.revision}:${lastHash.toString('hex')}`, problems };
}

const batchSize = 500;

/** By cursor and not by key: whoever drops the primary key can write two entries with one. */
async function* readEntries(
  client: ClientBase,
  onProgress: ChainOptions['onProgress'],
): AsyncGenerator<ChangeLogEntry> {
  // Nothing but PostgreSQL's own functions.
  await client.query('SET LOCAL search_path = pg_catalog');
  await client.query(`DECLARE entries NO SCROLL CURSOR FOR
    SELECT coalesce(revision, 0)::text AS revision, coalesce(position, 0) AS position,
      coalesce(previous_hash, '') AS "previousHash", coalesce(hash, '') AS hash,
      jsonb_build_array(
        revision, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role, before, after,
        to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::text AS content,
      coalesce(before = 'null' OR after = 'null' OR changed_at < '0001-01-01T00:00:00Z', false) AS "isForged"
    FROM public.registry_change ORDER BY registry_change.revision, registry_change.position`);
  for (let read = 0; ; ) {
    const { rows } = await client.query<ChangeLogEntry>(`FETCH ${batchSize} FROM entries`);
    yield* rows;
    read += rows.length;
    onProgress?.(read);
    if (rows.length < batchSize) break;
  }
  await client.query('CLOSE entries');
}

/** The first place that is missing between two entries; "twice" when the second does not come after the first. */
function compareWithNext(last: Place, next: Place, isFirst: boolean): Place | 'twice' | undefined {
  const revision = BigInt(last.revision);
  const step = BigInt(next.revision) - revision;
  const following = { revision: String(revision + 1n), position: 0 };
  if (step === 1n) return next.position === 0 ? undefined : following;
  if (step > 1n) return following;
  if (isFirst || step < 0n || next.position <= last.position) return 'twice';
  if (next.position > last.position + 1) return { revision: last.revision, position: last.position + 1 };
  return undefined;
}

function at({ revision, position }: Place): string {
  return `${revision}/${position}`;
}

function readHead(head: ChainHead | undefined): { revision: string; hash: string } | undefined {
  if (head === undefined) return undefined;
  const [, revision = '', hash = ''] = /^([0-9]{1,19}):([0-9a-f]{64})?$/.exec(head) ?? [];
  if (revision === '' || (hash === '') !== (revision === '0'))
    throw invalidField(
      'expect',
      'must be a head as doctor audit prints it: <revision>:<64 hexadecimal digits>',
    );
  return { revision, hash };
}
