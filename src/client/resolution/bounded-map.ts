/** A value that a bounded map may drop; the map records when it was last used. */
export interface Ageing {
  touchedAt: number;
}

/**
 * A map that drops the least recently used entry. A hit moves its entry to the end only when the entry is near the
 * front: moving every hit would make the map rebuild itself although nothing is dropped.
 */
export class BoundedMap<Value extends Ageing> {
  readonly #entries = new Map<string, Value>();
  readonly #maxEntries: number;
  #sets = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value && this.#sets - value.touchedAt > this.#maxEntries / 2) this.#append(key, value);
    return value;
  }

  /** Does not count as a use. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#append(key, value);
    if (this.#entries.size <= this.#maxEntries) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #append(key: string, value: Value): void {
    this.#entries.delete(key);
    value.touchedAt = ++this.#sets;
    this.#entries.set(key, value);
  }
}
