import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { formatEntry, formatHead, monthOf, readLine } from './audit-line.js';
import type { ChangeLogEntry } from './chain-check.js';
import type { Checkpoint } from './checkpoint.js';

/** A folder with one file of entries per month, and a file per checkpoint. It grows at its end alone. */
export class AuditArchive {
  readonly #folder: string;
  #last: ChangeLogEntry | undefined;
  #month: string | undefined;
  #file: FileHandle | undefined;
  #lines: string[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the folder to add entries. What an export that broke off has left of a line is removed. */
  static async open(folder: string): Promise<AuditArchive> {
    await mkdir(folder, { recursive: true });
    const archive = new AuditArchive(folder);
    for (const file of (await listEntryFiles(folder)).reverse()) {
      const { last, bytes } = await findEnd(join(folder, file));
      await truncate(join(folder, file), bytes);
      if (!last) continue;
      archive.#last = last;
      archive.#month = file.slice(6, 13);
      break;
    }
    return archive;
  }

  /** The newest entry of the archive; undefined when it is empty. */
  get last(): ChangeLogEntry | undefined {
    return this.#last;
  }

  async add(entry: ChangeLogEntry): Promise<void> {
    const month = monthOf(entry);
    // The clock of the server may have gone back: entries stay in the order of the log.
    if (this.#month === undefined || month > this.#month) {
      await this.#end();
      this.#month = month;
    }
    this.#lines.push(formatEntry(entry));
    this.#last = entry;
    if (this.#lines.length >= 500) await this.#flush();
  }

  /** Writes the head behind the entries of the newest file, and waits until all of it is on the disk. */
  async close(): Promise<void> {
    await this.#end();
  }

  /** Adds a checkpoint, with which the archive proves that nothing is missing between it and the log. */
  async addCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const file = await open(join(this.#folder, `checkpoint-${checkpoint.revision}.json`), 'w', 0o600);
    await file.writeFile(`${JSON.stringify(checkpoint)}\n`);
    await file.sync();
    await file.close();
  }

  async #end(): Promise<void> {
    if (!this.#last || this.#month === undefined) return;
    this.#lines.push(formatHead(`${this.#last.revision}:${this.#last.hash.toString('hex')}`));
    await this.#flush();
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = undefined;
  }

  async #flush(): Promise<void> {
    this.#file ??= await open(join(this.#folder, `audit-${this.#month}.jsonl`), 'a', 0o600);
    await this.#file.appendFile(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

/** Names of the files with entries, in order. */
async function listEntryFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /^audit-\d{4,6}-\d\d\.jsonl$/.test(name)).sort();
}

/** Files and folders as the files that a check reads, entries in order. */
export async function listAuditFiles(
  paths: readonly string[],
): Promise<{ entries: string[]; checkpoints: string[] }> {
  const entries: string[] = [];
  const checkpoints: string[] = [];
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) {
      entries.push(...(await listEntryFiles(path)).map((name) => join(path, name)));
      const names = (await readdir(path)).filter((name) => /^checkpoint-\d+\.json$/.test(name));
      checkpoints.push(...names.map((name) => join(path, name)));
    } else (/checkpoint-\d+\.json$/.test(path) ? checkpoints : entries).push(path);
  }
  return { entries, checkpoints };
}

/** The lines of a file, in constant memory. Only a line feed ends one: entries may have other separators of lines in them. */
export async function* linesOf(path: string): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** The newest entry of a file, and the bytes up to its end; what follows is a head or a part of a line. Throws for any other line. */
async function findEnd(path: string): Promise<{ last: ChangeLogEntry | undefined; bytes: number }> {
  const { size } = await stat(path);
  let [at, bytes, number] = [0, 0, 0];
  let last: ChangeLogEntry | undefined;
  for await (const line of linesOf(path)) {
    at += Buffer.byteLength(line) + 1;
    number++;
    // A line without its line break was not written to the end.
    if (at > size) break;
    const read = readLine(line);
    // What follows it may exist nowhere else.
    if (!read)
      throw new Error(
        `Line ${number} of ${path} is neither an entry nor a head, so nothing was changed there: find out by tenant-registry audit verify what is damaged, and restore the file or name another folder`,
      );
    if ('entry' in read) [last, bytes] = [read.entry, at];
  }
  return { last, bytes };
}
