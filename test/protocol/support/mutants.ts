/** A small change of the product that breaks its promise. */
export interface Mutant {
  name: string;
  file: string;
  /** Text that occurs exactly once in the file. */
  search: string;
  replace: string;
  /** A second change in the same file. */
  also?: { search: string; replace: string };
}

const follower = 'src/feed/follower.ts';
const acknowledge = 'src/feed/acknowledge.ts';
const clientLeases = 'src/feed/client-leases.ts';
const readThrough = 'src/cache/read-through.ts';
const knowledge = 'src/client/resolution/knowledge.ts';
const changeLog = 'prisma/migrations/20261129000002_change_log/migration.sql';

/** The mutants of the consistency specification, and one without the base after a resync. */
export const namedMutants: readonly Mutant[] = [
  {
    name: 'lease from the time of receipt',
    file: follower,
    search: 'standbys.take(report, sentAt) : sentAt;',
    replace: 'standbys.take(report, sentAt) : this.#options.clock();',
  },
  {
    name: 'no lease',
    file: follower,
    search: 'this.leaseRemainingMs > 0 &&',
    replace: '',
  },
  {
    name: 'fill without version check',
    file: readThrough,
    search: 'entries.filter((entry, at) => validity.isCurrent(entry, referenceOf(keys[at] as Key)))',
    replace: 'entries',
  },
  {
    name: 'no check on read',
    file: readThrough,
    search: 'return validity.isCurrent(entry, referenceOf(key)) && reaches(entry, atLeast)',
    replace: 'return reaches(entry, atLeast)',
  },
  {
    name: 'no epoch',
    file: follower,
    search: 'read.epoch === this.#position?.epoch &&',
    replace: '',
  },
  {
    name: 'entries not dropped when the feed advances',
    file: follower,
    search: `#advance(page: FeedPage): void {
    this.#raise(page.changes);`,
    replace: '#advance(page: FeedPage): void {',
  },
  {
    name: 'ack at commit',
    file: acknowledge,
    search: "if (committed.waitFor === 'COMMITTED') return 'committed';",
    replace: "return 'committed';",
  },
  {
    name: 'ack when a lease looks expired',
    file: acknowledge,
    search: "if (laggards?.length === 0) return 'reported';",
    replace:
      "if (laggards?.every(({ lastReport, stalenessMs }) => Number(lastReport) + stalenessMs < clock())) return 'reported';",
  },
  {
    name: 'no token',
    file: readThrough,
    search: 'return atLeast === undefined ||',
    replace: 'return true ||',
  },
  {
    name: 'revision from a sequence',
    file: changeLog,
    search: `SELECT * INTO STRICT head FROM registry_head FOR UPDATE;
  IF head.transaction_id = pg_current_xact_id()::text::bigint AND head.transaction_at = now() THEN
    head.position := head.position + 1;
  ELSE
    head.revision := head.revision + 1;`,
    replace: `SELECT * INTO STRICT head FROM registry_head;
  IF head.transaction_id = pg_current_xact_id()::text::bigint AND head.transaction_at = now() THEN
    head.position := head.position + 1;
  ELSE
    head.revision := nextval('registry_revision');`,
    also: {
      search: 'CREATE FUNCTION registry_record_change() RETURNS trigger',
      replace: 'CREATE SEQUENCE registry_revision;\nCREATE FUNCTION registry_record_change() RETURNS trigger',
    },
  },
  {
    name: 'no base after a resync',
    file: follower,
    search: 'this.#base = first ? first.revision - 1n : page.head.revision',
    replace: 'this.#base = 0n',
  },
];

/** One mutant for each further rule that the search for bad histories has shown to be needed. */
export const moreMutants: readonly Mutant[] = [
  {
    name: 'a load shared without a lease',
    file: readThrough,
    search: '!validity.isCurrent(entry, referenceOf(key))) continue',
    replace: 'entry.epoch !== validity.position?.epoch) continue',
  },
  {
    name: 'a STRONG read shares an earlier load',
    file: readThrough,
    search: 'const isEarlierEnough = mayShareEarlier && !isStrong && !atLeast',
    replace: 'const isEarlierEnough = mayShareEarlier',
  },
  {
    name: 'an earlier load counts as a later one',
    file: readThrough,
    search: 'if (flight.order > asked.askedAfter) {',
    replace: 'if (flight.order >= asked.askedAfter) {',
  },
  {
    name: 'somebody else’s entry',
    file: readThrough,
    search: '!entry || entry.key !== names[place] ||',
    replace: '!entry ||',
  },
  {
    name: 'memory keeps the older entry',
    file: 'src/cache/memory-tier.ts',
    search: '!held || held.epoch !== entry.epoch || held.asOf <= entry.asOf',
    replace: 'true',
  },
  {
    name: 'a module’s change concerns nobody',
    file: follower,
    search: 'if (change.tenantId === null) this.#base = change.revision;\n      else',
    replace: 'if (change.tenantId !== null)',
  },
  {
    name: 'no floor for the slug',
    file: follower,
    search: 'this.#floors.set(change.tenantSlug, change.revision)',
    replace: 'void change.tenantSlug',
  },
  {
    name: 'no floor for external ids',
    file: follower,
    search: 'for (const externalId of change.externalIds) this.#floors.set(externalId, change.revision);',
    replace: '',
  },
  {
    name: 'no floor for the id',
    file: follower,
    search: 'else this.#floors.set(change.tenantId, change.revision)',
    replace: '',
  },
  {
    name: 'a gap goes unnoticed',
    file: follower,
    search: '|| page.since !== position.revision) return false;',
    replace: ') return false;\n  return true;',
  },
  {
    name: 'a lease without a row',
    file: follower,
    search: `      this.#isRegistered = false;
      this.#leaseUntil = Number.NEGATIVE_INFINITY;
      this.#say('noRow', answered, page);
      return this.#pollOnce();`,
    replace: '      this.#isRegistered = false;',
  },
  {
    name: 'taken out without being watched',
    file: acknowledge,
    search: 'now - (watched.get(id)?.since ?? now) >= stalenessMs',
    replace: 'watched.has(id) || stalenessMs > 0',
  },
  {
    name: 'ack before D has passed',
    file: acknowledge,
    search: 'const remainingMs = watchedSince + longestMs - now',
    replace: 'const remainingMs = watchedSince + longestMs * 0.9 - now',
  },
  {
    name: 'reports at once from a history that has just begun',
    file: follower,
    search: 'isSettled: sent.waiting >= this.#settlesAt',
    replace: 'isSettled: true',
  },
  {
    name: 'entries of Redis from ahead of what is known',
    file: readThrough,
    search: 'entry.asOf <= position.revision && isAbout',
    replace: 'isAbout',
  },
  {
    name: 'signs off while clients hold leases',
    file: follower,
    search: 'isSettled && clientsRevision?.() === undefined',
    replace: 'isSettled',
  },
  {
    name: 'signs off while those who lost their row may hold leases',
    file: follower,
    search: 'isSettled && clientsRevision?.() === undefined',
    replace: 'clientsRevision?.() === undefined',
  },
  {
    name: 'signs off in a history it knows nothing of',
    file: 'src/feed/registry-feed.ts',
    search: 'WHERE id = $1 AND registry_epoch() = $2',
    replace: 'WHERE id = $1 AND $2::text IS NOT NULL',
  },
  {
    name: 'who has not read a page yet has lived through nothing',
    file: follower,
    search: 'this.#epoch ??= epoch;',
    replace: 'void epoch;',
  },
  {
    name: 'ack by rows of another history',
    file: acknowledge,
    search: 'if (rows[0]?.epoch !== epoch) throw',
    replace: 'if (rows.length < 0) throw',
  },
  {
    name: 'clients’ confirmations outlive their history',
    file: clientLeases,
    search: 'lease.confirmed = 0n;',
    replace: 'void lease;',
  },
  {
    name: 'a client’s lease is forgotten when it is told to drop everything',
    file: clientLeases,
    search: 'lease.confirmed ?? known?.confirmed ?? lease.current',
    replace: 'lease.confirmed ?? lease.current',
  },
  {
    name: 'a client’s lease is cut short by a shorter one',
    file: clientLeases,
    search: 'Math.max(known?.until ?? Number.NEGATIVE_INFINITY, this.#clock() + lease.remainingMs)',
    replace: 'this.#clock() + lease.remainingMs',
  },
  {
    name: 'answers don’t prolong a client’s lease',
    file: clientLeases,
    search: 'if (lease) lease.until = Math.max(lease.until, this.#clock() + remainingMs)',
    replace: '',
  },
  {
    name: 'clients without a name are forgotten',
    file: clientLeases,
    search: 'yield* this.#unnamed;',
    replace: '',
  },
];

/** Mutants of the client's cache and lease. */
export const clientMutants: readonly Mutant[] = [
  {
    name: 'client: lease from the time of receipt',
    file: knowledge,
    search: 'const leaseUntil = sent.at + answer.leaseRemainingMs;',
    replace: 'const leaseUntil = this.#options.clock() + answer.leaseRemainingMs;',
  },
  {
    name: 'client: no lease',
    file: knowledge,
    search: '|| this.#options.clock() >= this.#leaseUntil',
    replace: '',
  },
  {
    name: 'client: floors ignored',
    file: knowledge,
    search: "if (number < (this.#floors.get(reference) ?? this.#commonFloor)) return 'overtaken';",
    replace: '',
  },
  {
    name: 'client: changes drop nothing',
    file: knowledge,
    search: 'if ((entries.peek(reference)?.asOf ?? number) < number) entries.delete(reference);',
    replace: 'void entries;',
  },
  {
    name: 'client: changes drop nothing that is held under an external id',
    file: knowledge,
    search: '[tenantId, tenantSlug, ...externalIds]',
    replace: '[tenantId, tenantSlug]',
  },
  {
    name: 'client: nothing forgotten on a resync',
    file: knowledge,
    search: 'this.#era++;',
    replace: '',
  },
  {
    name: 'client: nothing forgotten in another history',
    file: knowledge,
    search: `    this.#position = undefined;
    this.#highestFloor = 0;
    this.#startOver(0);
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
`,
    replace: '',
  },
  {
    name: 'client: a module’s change concerns nobody',
    file: knowledge,
    search: 'module !== this.#options.module) return;',
    replace: 'true) return;',
  },
];

const keyCache = 'src/auth/key-cache.ts';
const reader = 'src/registry/resolution/reader.ts';

/** Mutants of the synchronous path of a request. */
export const fastPathMutants: readonly Mutant[] = [
  {
    name: 'fast: no floor check',
    file: readThrough,
    search: 'if (entry?.key !== name || !this.#isUsable(entry, key, atLeast)) return undefined;',
    replace: 'if (entry?.key !== name) return undefined;',
  },
  {
    name: 'fast: a STRONG question is answered from memory',
    file: reader,
    search: "if (consistency === 'STRONG' || !mayResolve(caller, module)) return undefined;",
    replace: 'if (!mayResolve(caller, module)) return undefined;',
  },
  {
    name: 'fast: no scope check',
    file: reader,
    search: "if (consistency === 'STRONG' || !mayResolve(caller, module)) return undefined;",
    replace: "if (consistency === 'STRONG') return undefined;",
  },
  {
    name: 'fast: this request’s own change is forgotten',
    file: reader,
    search: 'minRevision === undefined && this.#ownChange === undefined',
    replace: 'minRevision === undefined',
  },
  {
    name: 'fast: a lease from before a wait',
    file: reader,
    search: 'return Promise.all(requests.map((one) => this.#load(one)));',
    replace: 'return Promise.all(requests.map((one) => this.#explainHeld(one) ?? this.#load(one)));',
  },
  {
    name: 'fast: the lease of the first answer for ever',
    file: 'src/registry/resolution/held-route.ts',
    search: 'return example && new AnsweredRoute(this, example, leaseRemainingMs);',
    replace:
      'return example && ((this as { made?: Route }).made ??= new AnsweredRoute(this, example, leaseRemainingMs));',
  },
  {
    name: 'fast: no key expiry',
    file: keyCache,
    search: '!held || hasExpired(held.key) ||',
    replace: '!held ||',
  },
  {
    name: 'fast: no floor check of keys',
    file: keyCache,
    search: 'hasExpired(held.key) || !validity.isCurrent(held.answer, apiKeysReference)',
    replace: 'hasExpired(held.key)',
  },
  {
    name: 'fast: stale documents after a change of the schema',
    file: 'src/graphql/engine/document-cache.ts',
    search: '!held || held.schema !== schema',
    replace: '!held',
  },
];
