import { LRUCache } from 'lru-cache';
import type { RateRule, RateState } from './rate-limited.js';
import type { SharedCounts } from './shared-counts.js';

interface Window {
  count: number;
  endsAt: number;
}

/** A window takes about 200 bytes. Beyond this number the one that was used least recently is forgotten. */
const maxWindows = 50_000;

/**
 * Counts the uses of keys in fixed windows. A decision is made at once, from memory; where gateways share counts, each adds
 * its own in the background and learns those of the others, so together they exceed a limit only by the uses of about 100 ms.
 */
export class RateLimit {
  readonly rule: RateRule;
  readonly #clock: () => number;
  readonly #shared: SharedCounts | undefined;
  readonly #windows = new LRUCache<string, Window>({ max: maxWindows });

  constructor(rule: RateRule, options: { clock: () => number; shared?: SharedCounts | undefined }) {
    this.rule = rule;
    this.#clock = options.clock;
    this.#shared = options.shared;
  }

  /** Takes `uses` and returns true, or takes none when fewer are left. */
  take(key: string, uses = 1): boolean {
    const window = this.#windowOf(key);
    if (window.count + uses > this.rule.quota) return false;
    window.count += uses;
    this.#shared?.add(key, uses, ({ count, remainingMs }) => {
      const now = this.#windowOf(key);
      // Uses since the count was sent are in both sums at most once.
      now.count = Math.max(now.count, count);
      now.endsAt = this.#clock() + remainingMs;
    });
    return true;
  }

  /** Adds uses that have taken place, even beyond the quota. For limits that are not shared. */
  add(key: string, uses: number): void {
    this.#windowOf(key).count += uses;
  }

  stateOf(key: string): RateState {
    const { count, endsAt } = this.#windowOf(key);
    return {
      rule: this.rule,
      remaining: Math.max(0, this.rule.quota - count),
      resetSeconds: Math.max(1, Math.ceil((endsAt - this.#clock()) / 1_000)),
    };
  }

  #windowOf(key: string): Window {
    const now = this.#clock();
    const held = this.#windows.get(key);
    if (held && held.endsAt > now) return held;
    const opened = { count: 0, endsAt: now + this.rule.windowSeconds * 1_000 };
    this.#windows.set(key, opened);
    return opened;
  }
}
