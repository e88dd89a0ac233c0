import { performance } from 'node:perf_hooks';
import type { Metrics } from '../../metrics/metrics.js';

/** How often the delay of the event loop is measured, in milliseconds. */
const tickMs = 10;
/** So many measurements in a row make a delay that lasts: a collection of garbage or one slow request is a single one. */
const lastingTicks = 3;
/** An event loop that waits for longer than this part of the time is not overloaded: another process takes its CPU. */
const idlePart = 0.1;
/** With a smaller share of the others, routes are refused too. */
const smallShare = 0.05;
/** It ends when for so long nothing was refused and the event loop was in time. */
const calmMs = 2_000;

export interface LoadSheddingOptions {
  /** Delay of the event loop beyond which requests are refused, in milliseconds. */
  delayMs: number;
  /** In milliseconds. */
  clock: () => number;
  /** Time for which the event loop has waited since its start, in milliseconds. */
  idleMs: () => number;
  log: { warn(fields: object, message: string): void };
  metrics: Pick<Metrics, 'sheddingChanged'>;
}

/**
 * Decides which requests are refused because the event loop does not keep up. It begins when the delay lasts, and then holds the
 * delay at a tenth of that: requests that memory answers are served as long as the round of the event loop is young, and of all
 * others as large a share as fits beside them.
 */
export class LoadShedding {
  readonly #options: LoadSheddingOptions;
  /** The delay that is held while requests are refused. */
  readonly #heldMs: number;
  #isActive = false;
  #tickedAt: number;
  #idleMs: number;
  #lateTicks = 0;
  /** Age of a round of the event loop up to which requests are served in it, in milliseconds. */
  #windowMs: number;
  /** Share of the requests that memory does not answer, from 0 to 1. */
  #share = 1;
  /** Adds up shares; each whole one is a request. */
  #credit = 0;
  #refused = 0;
  #refusedBefore = 0;
  #calmSince = 0;

  constructor(options: LoadSheddingOptions) {
    this.#options = options;
    this.#heldMs = Math.max(2 * tickMs, options.delayMs / 10);
    this.#windowMs = this.#heldMs;
    this.#tickedAt = options.clock();
    this.#idleMs = options.idleMs();
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Measures the delay; called every `tickMs`, or later when the event loop is late. */
  tick(): void {
    const now = this.#options.clock();
    const idleMs = this.#options.idleMs();
    const lateMs = Math.max(0, now - this.#tickedAt - tickMs);
    const isBusy = idleMs - this.#idleMs <= idlePart * (now - this.#tickedAt);
    this.#tickedAt = now;
    this.#idleMs = idleMs;
    if (this.#isActive) {
      this.#adapt(now, lateMs);
      return;
    }
    this.#lateTicks = isBusy && lateMs >= this.#options.delayMs ? this.#lateTicks + 1 : 0;
    if (this.#lateTicks >= lastingTicks) this.#begin(now, lateMs);
  }

  /** Whether a request that memory answers is served now. False counts as a refusal. */
  admitsRoute(): boolean {
    return this.#isInTime() || this.#refuse();
  }

  /** Whether any other request is served. False counts as a refusal. */
  admitsOther(): boolean {
    if (!this.#isInTime()) return this.#refuse();
    this.#credit += this.#share;
    if (this.#credit < 1) return this.#refuse();
    this.#credit -= 1;
    return true;
  }

  /** Whether this round of the event loop is so young that what is served in it has not waited long. */
  #isInTime(): boolean {
    return this.#options.clock() - this.#tickedAt <= this.#windowMs;
  }

  #refuse(): false {
    this.#refused++;
    return false;
  }

  #begin(now: number, lateMs: number): void {
    this.#isActive = true;
    this.#windowMs = this.#heldMs;
    this.#share = 0;
    this.#credit = 0;
    this.#refused = 0;
    this.#refusedBefore = 0;
    this.#calmSince = now;
    const { log, metrics } = this.#options;
    metrics.sheddingChanged(true);
    log.warn(
      { delayMs: Math.round(lateMs) },
      'the event loop does not keep up; requests are refused, and last of all routes that memory answers',
    );
  }

  /**
   * The limits fall faster than they rise, so that a wave of requests ends before the next. The share of other requests falls before the
   * window for routes, and rises after it.
   */
  #adapt(now: number, lateMs: number): void {
    const isLate = lateMs >= this.#heldMs;
    if (isLate && this.#share >= smallShare) this.#share *= 0.8;
    else if (isLate) this.#windowMs = Math.max(tickMs, this.#windowMs * 0.8);
    else if (this.#windowMs < this.#heldMs) this.#windowMs = Math.min(this.#heldMs, this.#windowMs + 0.5);
    else this.#share = Math.min(1, this.#share + 0.02);
    if (isLate || this.#refused > this.#refusedBefore || this.#share < 1) this.#calmSince = now;
    this.#refusedBefore = this.#refused;
    if (now - this.#calmSince < calmMs) return;
    this.#isActive = false;
    this.#lateTicks = 0;
    const { log, metrics } = this.#options;
    metrics.sheddingChanged(false);
    log.warn({ refused: this.#refused }, 'the event loop keeps up again; no request is refused any more');
  }
}

/** Measures the event loop of this process until it is closed. Without a delay nothing is ever refused. */
export function openLoadShedding(
  delayMs: number | undefined,
  parts: Pick<LoadSheddingOptions, 'log' | 'metrics'>,
): { shedding: LoadShedding; close(): void } {
  const shedding = new LoadShedding({
    ...parts,
    delayMs: delayMs ?? Number.POSITIVE_INFINITY,
    clock: () => performance.now(),
    idleMs: () => performance.eventLoopUtilization().idle,
  });
  if (delayMs === undefined) return { shedding, close: () => undefined };
  const timer = setInterval(() => shedding.tick(), tickMs);
  timer.unref();
  return { shedding, close: () => clearInterval(timer) };
}
