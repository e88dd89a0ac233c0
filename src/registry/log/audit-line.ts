import type { ChainHead, ChangeLogEntry } from './chain-check.js';

/*
 * An entry of the audit log as a line of JSON that proves itself: SHA-256 of the bytes of previousHash and the text of `entry`,
 * exactly as it stands, is `hash`. The last line of a file is its head.
 */

export function formatEntry({ previousHash, hash, content }: ChangeLogEntry): string {
  return `{"previousHash":"${previousHash.toString('hex')}","hash":"${hash.toString('hex')}","entry":${content}}`;
}

export function formatHead(head: ChainHead): string {
  return JSON.stringify({ head });
}

type ReadLine = { entry: ChangeLogEntry } | { head: ChainHead } | undefined;

/** Undefined: the line is neither an entry nor a head. */
export function readLine(text: string): ReadLine {
  // A copy of the file may have other line breaks.
  const line = text.replace(/\r$/, '');
  const [, head] = /^\{"head":"(\d{1,19}:(?:[0-9a-f]{64})?)"\}$/.exec(line) ?? [];
  if (head !== undefined) return { head };
  const [, previousHash, hash, content] =
    /^\{"previousHash":"((?:[0-9a-f]{2})*)","hash":"([0-9a-f]{64})","entry":(\[.*\])\}$/s.exec(line) ?? [];
  const [, revision, position] = /^\[(\d{1,19}), (\d{1,10}), /.exec(content ?? '') ?? [];
  if (previousHash === undefined || hash === undefined || content === undefined) return undefined;
  if (revision === undefined || position === undefined) return undefined;
  return {
    entry: {
      ...{ revision, position: Number(position), content, isForged: false },
      previousHash: Buffer.from(previousHash, 'hex'),
      hash: Buffer.from(hash, 'hex'),
    },
  };
}

/** "2027-01", the month of the entry in UTC. */
export function monthOf({ content }: ChangeLogEntry): string {
  const fields: unknown[] = JSON.parse(content);
  return String(fields[11]).slice(0, 7);
}
