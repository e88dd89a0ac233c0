import type { Entry, Tier } from '../../../src/cache/tier.js';
import type { Figures } from './figures.js';
import type { Host, Link } from './network.js';
import type { Chance, VirtualTime } from './virtual-time.js';

/** Timeout after which a gateway continues without Redis. A sent command may still be carried out later. */
const timeoutMs = 50;

/** A shared tier that loses entries, returns to an earlier state, loses or delays writes, mixes up keys and hangs. */
export class ModelRedis {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #figures: Figures;
  readonly #isOvertaken: (entry: Entry<string>) => boolean;
  #entries = new Map<string, Entry<string>>();
  #dump = new Map<string, Entry<string>>();
  #hangsUntil = 0;
  #losesWritesUntil = 0;
  #mixesKeysUntil = 0;

  constructor(options: {
    time: VirtualTime;
    chance: Chance;
    figures: Figures;
    isOvertaken: (entry: Entry<string>) => boolean;
  }) {
    this.#time = options.time;
    this.#chance = options.chance;
    this.#figures = options.figures;
    this.#isOvertaken = options.isOvertaken;
  }

  flush(): void {
    this.#entries.clear();
  }

  dump(): void {
    this.#dump = new Map(this.#entries);
  }

  restore(): void {
    this.#entries = new Map(this.#dump);
  }

  hang(ms: number): void {
    this.#hangsUntil = this.#time.now + ms;
  }

  loseWrites(ms: number): void {
    this.#losesWritesUntil = this.#time.now + ms;
  }

  mixKeys(ms: number): void {
    this.#mixesKeysUntil = this.#time.now + ms;
  }

  openTier(gateway: Host, link: Link): Tier<string> {
    const command = <T>(work: () => T) =>
      link.call(gateway, timeoutMs, async () => {
        const waitMs = this.#hangsUntil - this.#time.now;
        if (waitMs > 0) await this.#time.sleep(waitMs);
        return work();
      });
    return {
      name: 'redis',
      isShared: true,
      get: (keys) => command(() => keys.map((key) => this.#get(key))).catch(() => keys.map(() => undefined)),
      set: (entries) =>
        command(() => entries.forEach((entry) => void this.#set(entry))).catch(() => undefined),
      clear: () => undefined,
    };
  }

  #get(key: string): Entry<string> | undefined {
    const isMixedUp = this.#time.now < this.#mixesKeysUntil && this.#chance.happens(0.5);
    const found = isMixedUp
      ? this.#chance.pick([...this.#entries.values(), undefined])
      : this.#entries.get(key);
    if (found && found.key !== key) this.#figures.count('wrong keys');
    return found;
  }

  #set(entry: Entry<string>): void {
    if (this.#time.now < this.#losesWritesUntil) {
      this.#figures.count('lost Redis writes');
      return;
    }
    const held = this.#entries.get(entry.key);
    if (held?.epoch === entry.epoch && held.asOf >= entry.asOf) {
      if (held.asOf > entry.asOf) this.#figures.count('refused Redis writes');
      return;
    }
    if (this.#isOvertaken(entry)) this.#figures.count('late fills of Redis');
    this.#entries.set(entry.key, entry);
  }
}
