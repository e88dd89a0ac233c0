import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.js';
import type { Acknowledgement } from './acknowledge.js';
import { concernsTenants } from './change.js';
import type { Step } from './follower.js';

/** A step of the protocol as one line of JSON, for a replay through the protocol's state model. */
export type TraceLine = {
  replica: string;
  /** Milliseconds on the machine's monotonic clock, which all its processes share. */
  at: number;
  /** The staleness bound of the process, in milliseconds. */
  stalenessMs: number;
} & (StepLine | AcknowledgedLine);

export interface StepLine {
  step: Step['step'];
  /** The epoch that the replica follows or followed last. */
  epoch: string | null;
  position: { epoch: string; revision: number } | null;
  base: number;
  leaseMs: number;
  isSettled: boolean;
  page?: {
    epoch: string;
    head: number;
    since: number;
    /** The last revision in the page that changes an answer; 0: none does. */
    touched: number;
    /** The floor of the tenant of that change, after the step. */
    floor: number;
  };
}

export interface AcknowledgedLine {
  step: 'acknowledged';
  epoch: string;
  revision: number;
  how: Acknowledgement;
  waitedMs: number;
}

export function describeStep(step: Step, floorOf: (reference: string) => bigint): StepLine {
  const { page, position } = step;
  const touching = page?.changes.findLast(concernsTenants);
  return {
    step: step.step,
    epoch: step.epoch ?? null,
    position: position ? { epoch: position.epoch, revision: Number(position.revision) } : null,
    base: Number(step.base),
    leaseMs: step.leaseMs,
    isSettled: step.isSettled,
    ...(page && {
      page: {
        epoch: page.head.epoch,
        head: Number(page.head.revision),
        since: Number(page.since),
        touched: Number(touching?.revision ?? 0n),
        // Without a tenant nothing but the base counts.
        floor: Number(floorOf(touching?.tenantId ?? '')),
      },
    }),
  };
}

/**
 * Appends lines to a file of its own in the folder. Each is written at once, so that the file of a killed process is complete. After a
 * failure, such as a full disk, nothing more is written: the gateway goes on.
 */
export function openProtocolTrace(
  folder: string,
  { replicaId, stalenessMs, log }: { replicaId: string; stalenessMs: number; log: Log },
): (line: StepLine | AcknowledgedLine, at?: number) => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${replicaId}.jsonl`);
  // The clocks of a process differ from that of the machine by where they begin.
  const begins = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  let hasFailed = false;
  return (line, since = performance.now()) => {
    if (hasFailed) return;
    const at = begins + since;
    try {
      appendFileSync(file, `${JSON.stringify({ replica: replicaId, at, stalenessMs, ...line })}\n`);
    } catch (error) {
      hasFailed = true;
      log.warn({ err: error }, 'stopped the protocol trace, which cannot be written');
    }
  };
}
