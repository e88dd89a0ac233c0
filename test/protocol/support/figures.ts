/** Counts of events over any number of histories. */
export class Figures {
  readonly #counts = new Map<string, number>();

  count(what: string, times = 1): void {
    this.#counts.set(what, this.of(what) + times);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  get all(): [string, number][] {
    return [...this.#counts].sort(([one], [other]) => one.localeCompare(other));
  }

  /** One line per count. */
  get text(): string {
    return this.all.map(([what, times]) => `${times.toLocaleString('en').padStart(12)}  ${what}`).join('\n');
  }
}
