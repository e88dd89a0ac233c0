/** The folder of clients as it lies on the disk: a folder for each, with its client.yaml. Nothing outside of it is looked at. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidField } from '../../errors.js';

/** A place of the folder that should be a client. */
export interface ClientPlace {
  /** Name of its folder, which is the client's id. */
  id: string;
  /** Why nobody may look into it; undefined: one may. */
  problem: string | undefined;
}

/** A client.yaml that cannot be read; the message says why, and holds nothing of the file. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  /** Whether there is no such file at all. */
  readonly isMissing: boolean;

  constructor(message: string, options: { isMissing?: boolean } = {}) {
    super(message);
    this.isMissing = options.isMissing === true;
  }
}

const fileName = 'client.yaml';

/** In bytes; a client.yaml has some thousand. */
const maxFileSize = 1_048_576;

/** What is in the folder, by name. Hidden folders and single files are no clients. */
export async function scanClients(folder: string): Promise<ClientPlace[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw invalidField('folder', `${folder} cannot be read (${error.code}): name the folder of the clients`);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink()))
    .map((entry) => ({
      id: entry.name,
      problem: entry.isSymbolicLink() ? 'is a symbolic link, which is not followed' : undefined,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function clientFile(folder: string, id: string): string {
  return join(folder, id, fileName);
}

/** Text of a client's file, and what tells this version of it from another. Throws UnreadableFile. */
export async function readClientText(folder: string, id: string): Promise<{ text: string; version: string }> {
  const handle = await openFile(clientFile(folder, id));
  try {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) throw new UnreadableFile(`${fileName} is no file`);
    if (found.size > maxFileSize) throw tooLarge();
    // It may have grown meanwhile; then the next look finds it.
    const buffer = Buffer.alloc(Number(found.size));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { text: decode(buffer.subarray(0, length)), version: versionOf(found) };
  } catch (error) {
    throw asUnreadable(error);
  } finally {
    await handle.close();
  }
}

/** Two versions of a file are told apart by this, whether it was written over or replaced. */
export function versionOf(found: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return [found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
}

async function openFile(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  // A pipe in its place must not keep everybody waiting.
  return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error) => {
    throw asUnreadable(error);
  });
}

function asUnreadable(error: unknown): UnreadableFile {
  if (error instanceof UnreadableFile) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UnreadableFile(`there is no ${fileName} in it`, { isMissing: true });
  if (code === 'ELOOP') return new UnreadableFile(`${fileName} is a symbolic link, which is not followed`);
  return new UnreadableFile(`${fileName} cannot be read (${code ?? 'unknown reason'})`);
}

function tooLarge(): UnreadableFile {
  return new UnreadableFile(`${fileName} has more than ${maxFileSize} bytes`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile(`${fileName} is not UTF-8: save it as UTF-8`);
  }
}
