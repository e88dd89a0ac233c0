import type { Client, ClientBase } from 'pg';
import type { Log } from '../../../log.js';

/** A file that is running in a session of the server. */
export interface WatchedFile extends Disposable {
  /** Whether it was cancelled because a statement of a service waited for it too long. */
  wasCancelled(): boolean;
}

interface Watched {
  pid: number;
  since: number;
  wasCancelled: boolean;
}

/**
 * lock_timeout bounds each wait for a lock, but a file that holds the lock of one table and waits for that of another makes the
 * sessions that want the first table wait for both. The watch cancels a file that waits for a lock while another session has waited
 * for the file for the lock timeout, so that no statement of a service waits longer.
 */
export class LockWatch implements AsyncDisposable {
  readonly #files = new Set<Watched>();
  readonly #connect: () => Promise<Client>;
  readonly #lockTimeoutMs: number;
  readonly #everyMs: number;
  readonly #log: Log;
  #client: Promise<Client> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `connect` opens a connection to the server on which the files run. */
  constructor(connect: () => Promise<Client>, lockTimeoutMs: number, log: Log) {
    this.#connect = connect;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#everyMs = Math.min(200, Math.max(10, lockTimeoutMs / 10));
    this.#log = log;
  }

  watch(pid: number): WatchedFile {
    const file: Watched = { pid, since: performance.now(), wasCancelled: false };
    this.#files.add(file);
    this.#schedule();
    return {
      wasCancelled: () => file.wasCancelled,
      [Symbol.dispose]: () => void this.#files.delete(file),
    };
  }

  #schedule(): void {
    if (this.#timer || this.#isClosed || this.#files.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, this.#everyMs);
  }

  /** Most files end before they are looked at: nobody can have waited for one longer than it runs. */
  async #look(): Promise<void> {
    const boundMs = Math.max(0, this.#lockTimeoutMs - 2 * this.#everyMs);
    const now = performance.now();
    const old = [...this.#files].filter(({ since }) => now - since >= boundMs);
    if (old.length === 0) return;
    try {
      this.#client ??= this.#connect();
      const cancelled = await cancelWaiting(await this.#client, old, boundMs);
      for (const file of old) file.wasCancelled ||= cancelled.includes(file.pid);
    } catch (error) {
      // The next look opens another connection. Until then lock_timeout alone bounds the waits.
      const lost = this.#client;
      this.#client = undefined;
      await lost?.then((client) => client.end()).catch(() => undefined);
      if (!this.#isClosed)
        this.#log.warn({ err: error }, 'could not look for sessions that wait for a migration');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.then((client) => client.end()).catch(() => undefined);
  }
}

/** Cancels those of the files that wait for a lock while another session has waited for them for `boundMs`. */
async function cancelWaiting(
  client: ClientBase,
  files: readonly { pid: number }[],
  boundMs: number,
): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT blocker.pid FROM unnest($1::int[]) AS blocker (pid)
     WHERE EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = blocker.pid AND NOT granted)
       AND EXISTS (SELECT FROM pg_locks AS waiting WHERE NOT granted AND waiting.pid <> ALL ($1::int[])
         AND waitstart < clock_timestamp() - $2::float8 * interval '1 millisecond' AND blocker.pid = ANY (pg_blocking_pids(waiting.pid)))
       AND pg_cancel_backend(blocker.pid)`,
    [files.map(({ pid }) => pid), boundMs],
  );
  return rows.map(({ pid }) => pid);
}
