/** What one poll reads of the primary's standbys. */
export interface StandbyReport {
  /** Standbys that stream and whose confirmation commits can wait for (sync_state sync or quorum). */
  synchronous: number;
  /** Those of them that have stored something that was written after the mark of the request. */
  confirmed: number;
  /** Place in the WAL, such as 0/3000148: whatever is written after this poll lies beyond it. */
  mark: string;
  /** Whether the role may see the state of standbys. */
  isVisible: boolean;
}

interface Mark {
  place: string;
  /** The moment at which the poll that read it was sent. */
  sentAt: number;
}

/** A standby that streams has confirmed within this time what was written before it, in milliseconds. */
const patienceMs = 1_000;

/**
 * Whether the primary is still the one that its standbys follow. The list of standbys alone is no proof: behind a network that
 * swallows everything, a lost one is listed until wal_sender_timeout. What a standby has stored of what was written after an earlier
 * poll was sent is one: at that moment the standby followed this primary, so nobody had promoted it.
 */
export class Standbys {
  readonly required: number;
  readonly #stalenessMs: number;
  #mark: Mark | undefined;
  #report: StandbyReport | undefined;
  #confirmed: number | undefined;

  constructor(options: { required: number; stalenessMs: number }) {
    this.required = options.required;
    this.#stalenessMs = options.stalenessMs;
  }

  /** The mark that the next poll asks for. */
  get mark(): string | undefined {
    return this.#mark?.place;
  }

  /** How many standbys have confirmed, as of the last polls; undefined before the first result. */
  get confirmed(): number | undefined {
    return this.#confirmed;
  }

  /** Takes the report of a poll. Returns the moment at which enough standbys followed this primary; undefined: not known. */
  take(report: StandbyReport, sentAt: number): number | undefined {
    const asked = this.#mark;
    this.#report = report;
    const next = { place: report.mark, sentAt };
    if (!asked) {
      this.#mark = next;
      if (report.synchronous < this.required) this.#confirmed = report.synchronous;
      return undefined;
    }
    if (report.confirmed >= this.required) {
      this.#mark = next;
      this.#confirmed = report.confirmed;
      return asked.sentAt;
    }
    const ageMs = sentAt - asked.sentAt;
    if (report.synchronous < this.required || ageMs >= patienceMs) this.#confirmed = report.confirmed;
    // Later confirmation of this mark would give a lease that has ended.
    if (ageMs >= this.#stalenessMs) this.#mark = next;
    return undefined;
  }

  /** Another history has begun: its places in the WAL are others. */
  forget(): void {
    this.#mark = undefined;
  }

  /** What is missing and what to do; undefined: nothing, as far as the last polls know. */
  get lack(): string | undefined {
    if (this.#confirmed === undefined || this.#confirmed >= this.required) return undefined;
    if (this.#report?.isVisible === false)
      return (
        'The role of the gateway may not see the standbys of the registry database, which REQUIRE_SYNC_STANDBYS asks for: ' +
        'GRANT pg_read_all_stats to it'
      );
    return (
      `The primary of the registry database has ${this.#confirmed} synchronous standbys that confirm its changes, and ` +
      `REQUIRE_SYNC_STANDBYS is ${this.required}: connect a standby again (synchronous_standby_names, pg_stat_replication), or lead ` +
      'this gateway to the primary that took over'
    );
  }
}
