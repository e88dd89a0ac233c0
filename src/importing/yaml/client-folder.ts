/**
 * The folder of clients on the disk: one folder per client, with its client.yaml. Nothing outside of it is read. Links are followed only as
 * Kubernetes mounts a ConfigMap: `client.yaml` → `..data/client.yaml`, `..data` → `..2026_11_30`, beside each other.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { invalidField } from '../../errors.js';

/** An entry of the folder that should be a client. */
export interface ClientPlace {
  /** The name of its folder, which is the client's id. */
  id: string;
  /** The reason why it must not be read; undefined when it may be read. */
  problem: string | undefined;
}

/** A client.yaml that cannot be read. The message gives the reason and repeats nothing of the file. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  /** True when the file does not exist. */
  readonly isMissing: boolean;

  constructor(message: string, options: { isMissing?: boolean } = {}) {
    super(message);
    this.isMissing = options.isMissing === true;
  }
}

const fileName = 'client.yaml';

/** In bytes. A client.yaml usually has a few thousand. */
const maxFileSize = 1_048_576;

/** Lists the clients of the folder, sorted by name. Hidden folders and single files are not clients. */
export async function scanClients(folder: string): Promise<ClientPlace[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw invalidField(
      'folder',
      `${folder} cannot be read (${error.code}): name a folder with one folder per client`,
    );
  });
  const places = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink()))
      .map(async (entry): Promise<ClientPlace | undefined> => {
        const id = entry.name;
        if (entry.isDirectory()) return { id, problem: undefined };
        const place = await findPlace(folder, id);
        if (place === undefined) return { id, problem: 'is a symbolic link, which is not followed' };
        // Kubernetes removes the folder behind the link of an earlier version at any time.
        const found = await stat(place).catch(() => undefined);
        if (!found) return { id, problem: 'was removed while the folder was read' };
        return found.isDirectory() ? { id, problem: undefined } : undefined;
      }),
  );
  return places.filter((place) => place !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Where a path in the folder really is. Undefined when links lead to another place than they stand for, or nowhere. */
async function findPlace(folder: string, ...path: string[]): Promise<string | undefined> {
  const root = await realpath(folder);
  const place = await realpath(join(folder, ...path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined;
    throw error;
  });
  if (place === undefined) return undefined;
  const parts = relative(root, place).split(sep);
  const own = parts.filter((part) => part === '..' || !part.startsWith('..'));
  return own.join(sep) === path.join(sep) ? place : undefined;
}

export function clientFile(folder: string, id: string): string {
  return join(folder, id, fileName);
}

/** The version of a client's file, without reading it. Throws the error of the file system. */
export async function readClientVersion(
  folder: string,
  id: string,
): Promise<{ version: string; modifiedAtMs: number }> {
  const path = clientFile(folder, id);
  let found = await lstat(path, { bigint: true });
  if (found.isSymbolicLink())
    found = await lstat((await findPlace(folder, id, fileName)) ?? path, { bigint: true });
  return { version: versionOf(found), modifiedAtMs: Number(found.mtimeMs) };
}

/** Reads a client's file and a text that identifies this version of it. Throws UnreadableFile. */
export async function readClientText(folder: string, id: string): Promise<{ text: string; version: string }> {
  const handle = await openFile(folder, id);
  try {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) throw new UnreadableFile(`${fileName} is not a file`);
    if (found.size > maxFileSize) throw tooLarge();
    // The file may have grown meanwhile; the next scan reads the rest.
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

/** Returns a text that differs between two versions of a file, whether it was overwritten or replaced. */
function versionOf(found: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return [found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
}

async function openFile(folder: string, id: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  // O_NONBLOCK: a pipe in place of the file must not block the scan.
  const openAt = (path: string) => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return await openAt(clientFile(folder, id)).catch(async (error: NodeJS.ErrnoException) => {
      const place = error.code === 'ELOOP' ? await findPlace(folder, id, fileName) : undefined;
      if (place === undefined) throw error;
      return await openAt(place);
    });
  } catch (error) {
    throw asUnreadable(error);
  }
}

function asUnreadable(error: unknown): UnreadableFile {
  if (error instanceof UnreadableFile) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UnreadableFile(`the folder has no ${fileName}`, { isMissing: true });
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
