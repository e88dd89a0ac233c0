/** Replays the acknowledgements in the protocol log of real gateways. */
import type { AcknowledgedLine, StepLine, TraceLine } from '../../src/feed/protocol-trace.js';
import { moveAcknowledgement } from './moves/acknowledge.js';
import type { Step } from './moves/step.js';
import type { Move } from './moves/words.js';
import { rulesWithout } from './rules.js';
import type { Model } from './state.js';
import * as at from './state.js';
import { pointOf } from './truth.js';

/** The clocks of a process and of the machine differ by less, in milliseconds. */
export const toleranceMs = 5;

/** A replica as the changes of others depend on it. */
interface ReportingReplica {
  isRegistered: boolean;
  /** The epoch that it follows or followed last. */
  epoch: string | null;
  leaseUntil: number;
  /** What its row says. */
  reported: StepLine['position'];
  lastAnswerAt: number;
}

/** A change may be acknowledged when every row has reported it, or the staleness bound has passed. */
export function checkAcknowledged(
  line: TraceLine & AcknowledgedLine,
  replicas: ReadonlyMap<string, ReportingReplica>,
  answers: Answers,
): string | undefined {
  if (line.how === 'committed') return undefined;
  for (const [id, replica] of replicas) {
    if (!replica.isRegistered || mayBeGone(id, replica, line, answers)) continue;
    const revisions = [...new Set([0, replica.reported?.revision ?? 0, line.revision])].sort(
      (one, other) => one - other,
    );
    const epochs = [...new Set([replica.reported?.epoch ?? line.epoch, line.epoch])];
    const model: Model = {
      ...{ commits: revisions.length - 1, epochs: epochs.length, staleness: 2, page: 0 },
      ...{ answersLate: true, hasMemory: false, rules: rulesWithout() },
    };
    const point = ({ epoch, revision }: { epoch: string; revision: number }) =>
      pointOf(model, epochs.indexOf(epoch), revisions.indexOf(revision));
    const from = at.createState(model);
    from[at.epoch] = epochs.indexOf(line.epoch);
    from[at.head] = model.commits;
    from[at.waiting] = point(line);
    from[at.waitingLeft] = line.waitedMs + toleranceMs >= line.stalenessMs ? 0 : 1;
    from[at.first + at.row] = 1 + (replica.reported ? point(replica.reported) : 0);
    const wanted: readonly Move[] = line.how === 'reported' ? ['ackReported'] : ['ackAfterD', 'ackAndRemove'];
    let isAllowed = false;
    const take: Step['take'] = (_to, move) => {
      isAllowed ||= wanted.includes(move);
    };
    moveAcknowledgement({ model, from, copy: () => from.slice(), take });
    if (!isAllowed)
      return line.how === 'reported'
        ? `gateway ${id} has not reported the revision`
        : 'the staleness bound has not passed';
  }
  return undefined;
}

/**
 * Rows go with a failover, or when they were silent for the staleness bound; a gateway that lives notices it at the next answer of that
 * history. Without an answer for the staleness bound it has no lease. Until then it may poll a primary that was replaced, whose answers give it no lease.
 */
function mayBeGone(
  id: string,
  { lastAnswerAt, leaseUntil, epoch }: ReportingReplica,
  line: TraceLine & AcknowledgedLine,
  answers: Answers,
): boolean {
  const next = answers.nextOf(id, line);
  if (next) return next.step === 'noRow';
  return epoch === line.epoch
    ? line.at - lastAnswerAt >= line.stalenessMs
    : line.at >= leaseUntil - toleranceMs;
}

/** The steps of each replica that tell what a primary has answered, in order. */
export class Answers {
  readonly #byReplica = new Map<string, (TraceLine & StepLine)[]>();

  constructor(sorted: readonly TraceLine[]) {
    for (const line of sorted) {
      if (line.step === 'poll' || line.step === 'losePoll' || line.step === 'acknowledged') continue;
      const lines = this.#byReplica.get(line.replica);
      if (lines) lines.push(line);
      else this.#byReplica.set(line.replica, [line]);
    }
  }

  /** The first answer of the history of a change after its acknowledgement. */
  nextOf(replica: string, { at, epoch }: TraceLine & AcknowledgedLine): StepLine | undefined {
    const lines = this.#byReplica.get(replica) ?? [];
    let [low, high] = [0, lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lines[middle] as TraceLine).at <= at) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < lines.length; index++) {
      const line = lines[index] as TraceLine & StepLine;
      if ((line.page?.epoch ?? line.epoch) === epoch) return line;
    }
    return undefined;
  }
}
