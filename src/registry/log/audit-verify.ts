import { readFile } from 'node:fs/promises';
import { linesOf, listAuditFiles } from './audit-archive.js';
import { readLine } from './audit-line.js';
import type { ChangeLogEntry } from './chain-check.js';
import {
  ChainCheck,
  type ChainHead,
  type ChainProblem,
  type ChainReport,
  type ChainStart,
} from './chain-check.js';
import type { Checkpoint } from './checkpoint.js';
import { readHead } from './hash-chain.js';

export interface VerifyOptions {
  expect?: ChainHead | undefined;
  /** AUDIT_KEY, for checkpoints. */
  key?: string | undefined;
  onProblem: (problem: ChainProblem) => void;
}

export interface VerifyReport extends ChainReport {
  files: number;
  /** The newest checkpoint, and whether the entries end with it. */
  checkpoint: { head: ChainHead; isEnd: boolean } | null;
}

/** Checks exported entries by their files alone, without a database and in constant memory. */
export async function verifyAuditFiles(
  paths: readonly string[],
  { expect, key, onProblem }: VerifyOptions,
): Promise<VerifyReport> {
  const expected = readHead(expect);
  const { entries: files, checkpoints: checkpointFiles } = await listAuditFiles(paths);
  if (files.length === 0) throw new Error(`There is no file with entries in ${paths.join(', ')}`);
  const checkpoints = await Promise.all(checkpointFiles.map(readCheckpoint));
  const hashes = new Map<string, string | undefined>(checkpoints.map((one) => [placeOf(one), undefined]));
  const problem = (place: { revision: string; position: number }, text: string): void => {
    problems++;
    onProblem({ code: 'LINE_UNREADABLE', ...place, problem: text });
  };
  let problems = 0;
  let check: ChainCheck | undefined;
  let last: ChangeLogEntry | undefined;
  for (const file of files) {
    let [number, hasHead] = [0, false];
    for await (const line of linesOf(file)) {
      number++;
      const read = readLine(line);
      const place = last ?? { revision: '0', position: 0 };
      if (!read) {
        problem(
          { ...at(place) },
          `is followed by line ${number} of ${file}, which is neither an entry nor a head`,
        );
        continue;
      }
      hasHead = 'head' in read;
      if ('head' in read) {
        check?.compareHeads([headOf(read.head, last)]);
        continue;
      }
      check ??= new ChainCheck(onProblem, expected, startBefore(read.entry));
      check.addEntry(read.entry);
      last = read.entry;
      if (hashes.has(placeOf(last))) hashes.set(placeOf(last), last.hash.toString('hex'));
    }
    if (!hasHead)
      problem(
        at(last ?? { revision: '0', position: 0 }),
        `is the end of ${file}, which has no head: export again, it goes on`,
      );
  }
  check ??= new ChainCheck(onProblem, expected);
  check.compareExpected();
  for (const checkpoint of checkpoints) {
    check.checkSignature(checkpoint, key);
    check.compareCheckpoint(checkpoint, hashes.get(placeOf(checkpoint)));
  }
  const newest = checkpoints
    .sort((one, other) => Number(BigInt(one.revision) - BigInt(other.revision)))
    .at(-1);
  return {
    ...check.report,
    problems: check.report.problems + problems,
    files: files.length,
    checkpoint: newest
      ? {
          head: `${newest.revision}:${newest.hash}`,
          isEnd: last !== undefined && placeOf(last) === placeOf(newest),
        }
      : null,
  };
}

function placeOf({ revision, position }: { revision: string; position: number }): string {
  return `${revision}/${position}`;
}

function at({ revision, position }: { revision: string; position: number }) {
  return { revision, position };
}

/** The part may begin anywhere; what stands before it is only known by its hash. */
function startBefore({ revision, previousHash }: ChangeLogEntry): ChainStart | undefined {
  if (revision === '1') return undefined;
  return { revision: String(BigInt(revision) - 1n), position: 0, hash: previousHash };
}

function headOf(head: ChainHead, last: ChangeLogEntry | undefined) {
  const [revision = '', hash = ''] = head.split(':');
  return {
    revision,
    position: last?.revision === revision ? last.position : 0,
    hash: Buffer.from(hash, 'hex'),
  };
}

async function readCheckpoint(file: string): Promise<Checkpoint> {
  const { revision, position, hash, changedAt, signature } = JSON.parse(await readFile(file, 'utf8'));
  const texts = [revision, hash, changedAt, signature];
  if (
    texts.some((text) => typeof text !== 'string') ||
    typeof position !== 'number' ||
    !/^\d+$/.test(revision)
  )
    throw new Error(`${file} is no checkpoint as audit prune writes it`);
  return { revision, position, hash, changedAt, signature };
}
