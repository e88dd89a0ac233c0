import { createHash } from 'node:crypto';
import { type Checkpoint, type EntryPosition, isAuthenticCheckpoint } from './checkpoint.js';

type ChainProblemCode =
  | 'ENTRY_ALTERED'
  | 'ENTRY_MISSING'
  | 'ENTRY_TWICE'
  | 'ENTRY_UNCHAINED'
  | 'HEAD_WRONG'
  | 'EXPECTED_HEAD_GONE'
  | 'CHECKPOINT_FORGED'
  | 'CHECKPOINT_UNPROVEN'
  | 'CHECKPOINT_GONE'
  | 'LINE_UNREADABLE';

export interface ChainProblem {
  code: ChainProblemCode;
  revision: string;
  position: number;
  problem: string;
}

/** The newest entry as doctor prints it and accepts it: "<revision>:<hash>", or "0:" for an empty log. */
export type ChainHead = string;

export interface ChainReport {
  entries: number;
  head: ChainHead;
  /** How many problems were reported. */
  problems: number;
  /** The entry after which the checked part begins; null: it begins with the first entry of all. */
  after: ChainHead | null;
}

/** The hash of the entry before the checked part. */
export interface ChainStart extends EntryPosition {
  hash: Buffer;
}

/** One entry of the change log, as the check reads it. */
export interface ChangeLogEntry {
  revision: string;
  position: number;
  previousHash: Buffer;
  hash: Buffer;
  /** The text that registry_change_hash hashes after previousHash. */
  content: string;
  /** The entry holds a value that no trigger writes and that looks like another value in `content`. */
  isForged: boolean;
}

/** The state of a check while the entries pass by in order. */
export class ChainCheck {
  readonly #onProblem: (problem: ChainProblem) => void;
  readonly #expected: { revision: string; hash: string } | undefined;
  #entries = 0;
  #problems = 0;
  #last: EntryPosition = { revision: '0', position: 0 };
  #lastHash: Buffer = Buffer.alloc(0);
  /** Hashes that the next entry may name: that of the last entry and, after an altered entry, the recomputed one. */
  #links: Buffer[] = [Buffer.alloc(0)];
  #hashAtExpected: string | undefined;
  readonly #start: ChainStart | undefined;

  constructor(
    onProblem: (problem: ChainProblem) => void,
    expected: { revision: string; hash: string } | undefined,
    start?: ChainStart,
  ) {
    this.#onProblem = onProblem;
    this.#expected = expected;
    this.#hashAtExpected = expected?.revision === '0' ? '' : undefined;
    this.#start = start;
    if (!start) return;
    this.#last = start;
    this.#lastHash = start.hash;
    this.#links = [start.hash];
    if (expected?.revision === start.revision) this.#hashAtExpected = start.hash.toString('hex');
  }

  get report(): ChainReport {
    return {
      entries: this.#entries,
      head: `${this.#last.revision}:${this.#lastHash.toString('hex')}`,
      problems: this.#problems,
      after: this.#start ? `${this.#start.revision}:${this.#start.hash.toString('hex')}` : null,
    };
  }

  /** Checks the signature. Without the key the checkpoint could be one that somebody has made up. */
  checkSignature(checkpoint: Checkpoint, key: string | undefined): void {
    if (key === undefined)
      this.#report(
        'CHECKPOINT_UNPROVEN',
        checkpoint,
        'is a checkpoint whose signature needs AUDIT_KEY: set it',
      );
    else if (!isAuthenticCheckpoint(key, checkpoint))
      this.#report(
        'CHECKPOINT_FORGED',
        checkpoint,
        'is a checkpoint that was not signed with this AUDIT_KEY',
      );
  }

  /** Compares a checkpoint with the entry that it names; the entries up to it have been added. */
  compareCheckpoint(checkpoint: Checkpoint, hash: string | undefined): void {
    if (hash === checkpoint.hash) return;
    this.#report(
      'CHECKPOINT_GONE',
      checkpoint,
      hash === undefined
        ? 'is a checkpoint that these entries do not reach'
        : 'has another hash in its checkpoint',
    );
  }

  addEntry(entry: ChangeLogEntry): void {
    this.#checkLink(entry);
    const computed = createHash('sha256').update(entry.previousHash).update(entry.content).digest();
    const isAltered = !computed.equals(entry.hash) || entry.isForged;
    if (isAltered)
      this.#report('ENTRY_ALTERED', entry, 'holds something else than when its hash was computed');
    this.#entries++;
    this.#last = entry;
    this.#lastHash = entry.hash;
    this.#links = isAltered ? [entry.hash, computed] : [entry.hash];
    if (entry.revision === this.#expected?.revision) this.#hashAtExpected = entry.hash.toString('hex');
  }

  #checkLink(entry: ChangeLogEntry): void {
    const isFirst = this.#entries === 0 && !this.#start;
    const gap = compareWithNext(this.#last, entry, isFirst);
    if (gap === 'twice') this.#report('ENTRY_TWICE', entry, 'is there twice, or in the wrong place');
    else if (gap)
      this.#report('ENTRY_MISSING', gap, `is missing; the next entry is ${formatPosition(entry)}`);
    else if (!this.#isLink(entry.previousHash))
      this.#report(
        'ENTRY_UNCHAINED',
        entry,
        isFirst
          ? 'is the first and names an entry before it'
          : `does not name the hash of ${formatPosition(this.#last)} before it: one of the two was replaced`,
      );
  }

  /** Compares the newest entry with the rows of registry_head. */
  compareHeads(heads: readonly (EntryPosition & { hash: Buffer })[]): void {
    const [head] = heads;
    const last = this.#last;
    if (!head || heads.length > 1)
      this.#report(
        'HEAD_WRONG',
        last,
        `is the end of the log, but registry_head has ${heads.length} rows instead of one`,
      );
    else if (formatPosition(head) !== formatPosition(last))
      this.#report(
        'HEAD_WRONG',
        head,
        `is the end of the log according to registry_head, but the newest entry is ${formatPosition(last)}`,
      );
    else if (!this.#isLink(head.hash))
      this.#report('HEAD_WRONG', head, 'has another hash in registry_head: one of the two was replaced');
  }

  compareExpected(): void {
    const expected = this.#expected;
    if (!expected || this.#hashAtExpected === expected.hash) return;
    this.#report(
      'EXPECTED_HEAD_GONE',
      { revision: expected.revision, position: 0 },
      this.#hashAtExpected === undefined
        ? this.#start && BigInt(expected.revision) < BigInt(this.#start.revision)
          ? `is expected, but the part that is checked begins after ${this.#start.revision}: audit verify finds it in an archive`
          : 'is expected, but the log does not have this revision'
        : 'is expected with another hash: the log up to here was rewritten, or belongs to another registry',
    );
  }

  #isLink(hash: Buffer): boolean {
    return this.#links.some((link) => link.equals(hash));
  }

  #report(code: ChainProblemCode, { revision, position }: EntryPosition, problem: string): void {
    this.#problems++;
    this.#onProblem({ code, revision, position, problem });
  }
}

/** Returns the first position that is missing between two entries; "twice" when the second does not come after the first. */
function compareWithNext(
  last: EntryPosition,
  next: EntryPosition,
  isFirst: boolean,
): EntryPosition | 'twice' | undefined {
  const revision = BigInt(last.revision);
  const step = BigInt(next.revision) - revision;
  const following = { revision: String(revision + 1n), position: 0 };
  if (step === 1n) return next.position === 0 ? undefined : following;
  if (step > 1n) return following;
  if (isFirst || step < 0n || next.position <= last.position) return 'twice';
  if (next.position > last.position + 1) return { revision: last.revision, position: last.position + 1 };
  return undefined;
}

function formatPosition({ revision, position }: EntryPosition): string {
  return `${revision}/${position}`;
}
