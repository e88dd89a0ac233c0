import { createHash } from 'node:crypto';

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

/** The newest entry as doctor prints it and accepts it: "<revision>:<hash>", or "0:" for an empty log. */
export type ChainHead = string;

export interface ChainReport {
  entries: number;
  head: ChainHead;
  /** How many problems were reported. */
  problems: number;
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

export type EntryPosition = Pick<ChangeLogEntry, 'revision' | 'position'>;

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

  constructor(
    onProblem: (problem: ChainProblem) => void,
    expected: { revision: string; hash: string } | undefined,
  ) {
    this.#onProblem = onProblem;
    this.#expected = expected;
    this.#hashAtExpected = expected?.revision === '0' ? '' : undefined;
  }

  get report(): ChainReport {
    return {
      entries: this.#entries,
      head: `${this.#last.revision}:${this.#lastHash.toString('hex')}`,
      problems: this.#problems,
    };
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
    const isFirst = this.#entries === 0;
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
        ? 'is expected, but the log does not have this revision'
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
