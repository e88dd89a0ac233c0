import type { ClientBase, Pool } from 'pg';
import { AuditArchive } from './audit-archive.js';
import type { ChangeLogEntry } from './chain-check.js';
import { readEntries } from './hash-chain.js';

export interface ExportRange {
  /** Begins with the first revision of this time. Default: with the oldest entry. */
  from?: Date | undefined;
  /** Ends before the first revision of this time. Default: with the newest entry. */
  until?: Date | undefined;
  /** Ends with this revision; instead of `until`. */
  upTo?: string | undefined;
}

/** Reads the entries of the range in one snapshot and in constant memory. */
export async function readAuditLog(
  pool: Pool,
  range: ExportRange,
  take: (entry: ChangeLogEntry) => Promise<void>,
): Promise<number> {
  return inSnapshot(pool, async (client) => {
    const limits = await findLimits(client, range);
    return takeAll(readEntries(client, limits), take);
  });
}

/** Adds what is new to the archive in a folder; returns the number of entries. An export that broke off goes on. */
export async function exportToArchive(pool: Pool, folder: string, range: ExportRange): Promise<number> {
  const archive = await AuditArchive.open(folder);
  const { last } = archive;
  try {
    return await inSnapshot(pool, async (client) => {
      const limits = await findLimits(client, range);
      if (last && range.from)
        throw new Error(
          `${folder} has entries up to revision ${last.revision} and goes on there: leave --from out`,
        );
      let isNext = last !== undefined;
      // From the newest revision of the archive on: a part of it may be missing there.
      const after = last ? String(BigInt(last.revision) - 1n) : limits.after;
      return takeAll(readEntries(client, { ...limits, after }), async (entry) => {
        if (last && entry.revision === last.revision && entry.position <= last.position) {
          if (entry.position === last.position && !entry.hash.equals(last.hash)) throw otherHistory(folder);
          return false;
        }
        if (last && isNext && !entry.previousHash.equals(last.hash)) throw otherHistory(folder);
        isNext = false;
        await archive.add(entry);
        return true;
      });
    });
  } finally {
    await archive.close();
  }
}

function otherHistory(folder: string): Error {
  return new Error(
    `The entries in ${folder} are not followed by those of this registry: it was restored to an earlier moment, pruned beyond them, or is another one. Export to an empty folder`,
  );
}

async function takeAll(
  entries: AsyncIterable<ChangeLogEntry>,
  take: (entry: ChangeLogEntry) => Promise<unknown>,
): Promise<number> {
  let taken = 0;
  for await (const entry of entries) if ((await take(entry)) !== false) taken++;
  return taken;
}

async function inSnapshot<T>(pool: Pool, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await work(client);
  } finally {
    // Closing the session also ends its transaction.
    client.release(true);
  }
}

async function findLimits(client: ClientBase, { from, until, upTo }: ExportRange) {
  const [first, end] = [from && (await findFirst(client, from)), until && (await findFirst(client, until))];
  if (from && first === undefined) throw new Error(`The audit log has no entry since ${from.toISOString()}`);
  return {
    after: first === undefined ? undefined : String(BigInt(first) - 1n),
    upTo: end === undefined ? upTo : String(BigInt(end) - 1n),
  };
}

/** The first revision with an entry of that time or later. */
export async function findFirst(
  client: Pick<ClientBase, 'query'>,
  moment: Date,
): Promise<string | undefined> {
  const { rows } = await client.query<{ revision: string }>(
    `SELECT revision::text FROM public.registry_change WHERE changed_at >= $1
     ORDER BY registry_change.changed_at, registry_change.revision LIMIT 1`,
    [moment],
  );
  return rows[0]?.revision;
}
