import type { ClientBase } from 'pg';
import { authorize } from '../../auth/permissions.js';
import { invalidField } from '../../errors.js';
import type { CommandContext } from '../command.js';
import {
  ChainCheck,
  type ChainHead,
  type ChainProblem,
  type ChainReport,
  type ChangeLogEntry,
} from './chain-check.js';
import { type Checkpoint, type EntryPosition, newestCheckpointSql } from './checkpoint.js';

/*
 * The check that the change log still is what the triggers wrote. It hashes every entry itself instead of calling the
 * database's function, which a user who can rewrite the log can rewrite as well. It reads one snapshot in bounded memory.
 */

export interface ChainOptions {
  /** A head noted earlier. Without it, a chain recomputed from some entry on cannot be detected. */
  expect?: ChainHead | undefined;
  /** AUDIT_KEY, for the checkpoint of a log that was pruned. */
  key?: string | undefined;
  onProblem: (problem: ChainProblem) => void;
  onProgress?: (entries: number) => void;
}

/** Checks the registry's change log; throws VALIDATION_ERROR when `expect` is not a head. */
export async function checkChangeLog(context: CommandContext, options: ChainOptions): Promise<ChainReport> {
  authorize(context.caller, 'readAuditLog');
  readHead(options.expect);
  const client = await context.database.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await checkHashChain(client, options);
  } finally {
    // Closing the session also ends its transaction.
    client.release(true);
  }
}

/** Checks the chain in the caller's transaction, which must be REPEATABLE READ. */
export async function checkHashChain(client: ClientBase, options: ChainOptions): Promise<ChainReport> {
  const expected = readHead(options.expect);
  const [checkpoint] = (await client.query<Checkpoint>(newestCheckpointSql)).rows;
  const start = checkpoint && { ...checkpoint, hash: Buffer.from(checkpoint.hash, 'hex') };
  const check = new ChainCheck(options.onProblem, expected, start);
  if (checkpoint) check.checkSignature(checkpoint, options.key);
  const after = start?.revision ?? undefined;
  for await (const entry of readEntries(client, { after }, options.onProgress)) check.addEntry(entry);
  const { rows: heads } = await client.query<EntryPosition & { hash: Buffer }>(
    'SELECT revision::text, position, hash FROM public.registry_head',
  );
  check.compareHeads(heads);
  check.compareExpected();
  return check.report;
}

const batchSize = 500;

/**
 * Reads whole revisions in order, after one and up to another. Reads by cursor and not by key: without the primary key, two
 * entries can have the same one.
 */
export async function* readEntries(
  client: ClientBase,
  { after, upTo }: { after?: string | undefined; upTo?: string | undefined } = {},
  onProgress?: ChainOptions['onProgress'],
): AsyncGenerator<ChangeLogEntry> {
  // The statement of a cursor takes no parameters.
  const limits = [
    ...(after === undefined ? [] : [`registry_change.revision > ${BigInt(after)}`]),
    ...(upTo === undefined ? [] : [`registry_change.revision <= ${BigInt(upTo)}`]),
  ];
  // The query then calls PostgreSQL's own functions only, not replaced ones of the same name.
  await client.query('SET LOCAL search_path = pg_catalog');
  await client.query(`DECLARE entries NO SCROLL CURSOR FOR
    SELECT coalesce(revision, 0)::text AS revision, coalesce(position, 0) AS position,
      coalesce(previous_hash, '') AS "previousHash", coalesce(hash, '') AS hash,
      (jsonb_build_array(
        revision, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role, before, after,
        to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
        || CASE WHEN request_id IS NULL THEN '[]' ELSE jsonb_build_array(request_id) END)::text AS content,
      coalesce(before = 'null' OR after = 'null' OR changed_at < '0001-01-01T00:00:00Z', false) AS "isForged"
    FROM public.registry_change ${limits.length > 0 ? `WHERE ${limits.join(' AND ')}` : ''} ORDER BY registry_change.revision, registry_change.position`);
  for (let read = 0; ; ) {
    const { rows } = await client.query<ChangeLogEntry>(`FETCH ${batchSize} FROM entries`);
    yield* rows;
    read += rows.length;
    onProgress?.(read);
    if (rows.length < batchSize) break;
  }
  await client.query('CLOSE entries');
}

export function readHead(head: ChainHead | undefined): { revision: string; hash: string } | undefined {
  if (head === undefined) return undefined;
  const [, revision = '', hash = ''] = /^([0-9]{1,19}):([0-9a-f]{64})?$/.exec(head) ?? [];
  if (revision === '' || (hash === '') !== (revision === '0'))
    throw invalidField(
      'expect',
      'must be a head as doctor audit prints it: <revision>:<64 hexadecimal digits>',
    );
  return { revision, hash };
}
