import { type Epoch, findOverlooked, findVersion, Truth } from './change-log-truth.js';
import {
  type Acknowledged,
  type Answered,
  type Filled,
  type History,
  type HistoryEvent,
  type Moved,
  type Point,
  readValue,
} from './history.js';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';

export interface Violation {
  invariant: Invariant;
  explanation: string;
  event: HistoryEvent;
}

/**
 * Checks I1 to I8 of a history in one pass. D is the staleness bound.
 *
 * I1  An answer was current at some moment after (start − D) and not after the end. With STRONG: after the start.
 * I2  An answer with the revision of an earlier answer as a token is not from before that revision or an earlier epoch.
 * I3  The same with the revision of a mutation as a token.
 * I4  After an acknowledgement no answer is from before it: neither from a gateway (GATEWAYS, EVERYWHERE) nor from a
 * client's cache (EVERYWHERE). An acknowledgement also covers all earlier commits of any writer.
 * I5  A stored or answered value was true at its revision. A stored value was not changed since, as far as that gateway
 * had read the log, and it does not replace a newer one.
 * I6  Revision and value belong to the same history, which is that of their epoch; a stored value belongs to the
 * history that the gateway follows.
 * I7  A name in an answer, and a reference, belong to the same tenant in every answer.
 * I8  A gateway that has read a suspension does not answer ACTIVE from before it, acknowledged or not.
 */
export function checkHistory(history: History): Violation[] {
  const check = new Check(history.stalenessMs);
  for (const event of history.events) check.take(event);
  return check.violations;
}

class Check {
  readonly violations: Violation[] = [];
  readonly #stalenessMs: number;
  readonly #truth = new Truth();
  readonly #owners = new Map<string, string>();
  /** The newest acknowledged point after each acknowledgement, for gateways and for clients. */
  readonly #acks: Record<'gateways' | 'clients', (Point & { at: number })[]> = { gateways: [], clients: [] };
  readonly #moves = new Map<string, Moved[]>();

  constructor(stalenessMs: number) {
    this.#stalenessMs = stalenessMs;
  }

  take(event: HistoryEvent): void {
    if (event.kind === 'begun') this.#truth.begin(event);
    else if (event.kind === 'committed') this.#truth.commit(event);
    else if (event.kind === 'acknowledged') this.#acknowledge(event);
    else if (event.kind === 'filled') this.#checkFill(event);
    else if (event.kind === 'answered') this.#checkAnswer(event);
    else this.#move(event);
  }

  #move(event: Moved): void {
    const moves = this.#moves.get(event.gateway);
    if (moves) moves.push(event);
    else this.#moves.set(event.gateway, [event]);
  }

  #acknowledge({ at, epoch, revision, waitFor }: Acknowledged): void {
    if (waitFor === 'COMMITTED') return;
    for (const who of waitFor === 'EVERYWHERE'
      ? (['gateways', 'clients'] as const)
      : (['gateways'] as const)) {
      const acks = this.#acks[who];
      const before = acks.at(-1);
      const isNewer = !before || this.#compare({ epoch, revision }, before) > 0;
      acks.push(isNewer ? { at, epoch, revision } : { ...before, at });
    }
  }

  #checkAnswer(answer: Answered): void {
    const { epoch: name, asOf, reference, at, start } = answer;
    const report = (invariant: Invariant, explanation: string) =>
      this.violations.push({ invariant, explanation, event: answer });

    if (!this.#ownsWhatItSays(answer))
      return void report('I7', 'the name or the reference had another owner');
    const epoch = this.#truth.find(name);
    if (!epoch || asOf > epoch.head) return void report('I6', 'its history has no such revision');
    const wrong = this.#findMismatch(epoch, answer);
    if (wrong) return void report(wrong, 'it was never so at that revision');

    const { token } = answer;
    if (token && this.#compare({ epoch: name, revision: asOf }, token) < 0)
      report(token.isOwnWrite ? 'I3' : 'I2', `the token said ${token.epoch}:${token.revision}`);

    const version = findVersion(epoch, reference, asOf);
    const currentAfter = answer.isStrong ? start : start - this.#stalenessMs;
    if (version && (version.until <= currentAfter || version.from > at))
      report('I1', `current from ${version.from} until ${version.until}, but asked at ${start}`);

    const ack = this.#acks[answer.gateway === undefined ? 'clients' : 'gateways'].findLast(
      (ack) => ack.at < start,
    );
    if (ack && this.#isFromBefore(epoch, answer, ack))
      report('I4', `acknowledged: ${ack.epoch}:${ack.revision}`);

    this.#checkSuspends(epoch, answer, report);
  }

  #checkSuspends(epoch: Epoch, answer: Answered, report: (which: 'I8', explanation: string) => void): void {
    const { reference, asOf, gateway, start } = answer;
    if (gateway === undefined || readValue(answer.value)?.status !== 'active') return;
    const move = this.#moves.get(gateway)?.findLast((moved) => moved.at < start);
    if (move?.epoch !== epoch.name) return;
    const suspend = epoch.versions
      .get(reference)
      ?.find(({ revision, value }) => revision > asOf && readValue(value)?.status === 'suspended');
    if (suspend && suspend.revision <= move.revision)
      report('I8', `suspended at ${suspend.revision}, and the gateway had read up to ${move.revision}`);
  }

  #checkFill(fill: Filled): void {
    const { known, over, asOf, reference } = fill;
    const report = (invariant: Invariant, explanation: string) =>
      this.violations.push({ invariant, explanation, event: fill });
    const epoch = this.#truth.find(fill.epoch);
    if (!epoch || asOf > epoch.head || known?.epoch !== fill.epoch)
      return void report('I6', 'stored from another history');
    const wrong = this.#findMismatch(epoch, fill);
    if (wrong) return void report(wrong, 'it was never so at that revision');
    const missed = findOverlooked(epoch, reference, { asOf, upTo: known.revision });
    if (missed) report('I5', `stored although the gateway had read of ${missed.revision}`);
    if (over?.epoch === fill.epoch && over.asOf > asOf) report('I5', `stored over what was of ${over.asOf}`);
  }

  /**
   * Returns the rule that a value breaks when it differs from the reference's state at that revision of that history.
   */
  #findMismatch(
    epoch: Epoch,
    { reference, asOf, value }: { reference: string; asOf: bigint; value: string },
  ): 'I5' | 'I6' | undefined {
    if (findVersion(epoch, reference, asOf)?.value === value) return undefined;
    for (const other of this.#truth.epochs)
      if (other !== epoch && findVersion(other, reference, asOf)?.value === value) return 'I6';
    return 'I5';
  }

  #ownsWhatItSays({ reference, value }: Answered): boolean {
    const route = readValue(value);
    if (!route) return true;
    return [`name ${route.schema}`, `reference ${reference}`].every((what) => {
      const owner = this.#owners.get(what) ?? route.tenant;
      this.#owners.set(what, owner);
      return owner === route.tenant;
    });
  }

  #isFromBefore(epoch: Epoch, { reference, asOf }: Answered, ack: Point): boolean {
    const acknowledged = this.#truth.find(ack.epoch);
    if (!acknowledged || acknowledged.order < epoch.order) return false;
    if (acknowledged !== epoch) return true;
    return findOverlooked(epoch, reference, { asOf, upTo: ack.revision }) !== undefined;
  }

  /** Negative when the first point is earlier. A later epoch is newer, whatever its revision. */
  #compare(first: Point, second: Point): number {
    const [one, other] = [this.#truth.find(first.epoch), this.#truth.find(second.epoch)];
    if (!one || !other) return 0;
    return one === other ? Number(first.revision - second.revision) : one.order - other.order;
  }
}
