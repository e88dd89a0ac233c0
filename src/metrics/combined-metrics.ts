import { AggregatorRegistry } from 'prom-client';
import type { MetricsSnapshot, MetricsText } from './metrics.js';

/**
 * The metrics of several processes as one. What a process that has ended had counted stays in the sums, because a counter that
 * goes down would look like a restart of all.
 */
export class CombinedMetrics {
  readonly #newest = new Map<number, MetricsSnapshot>();
  #ended: MetricsSnapshot = [];

  record(pid: number, snapshot: MetricsSnapshot): void {
    this.#newest.set(pid, snapshot);
  }

  end(pid: number): void {
    const counted = (this.#newest.get(pid) ?? []).filter(({ type }) =>
      ['counter', 'histogram'].includes(String(type)),
    );
    this.#newest.delete(pid);
    // prom-client's type of this list leaves out the values that it has.
    this.#ended = AggregatorRegistry.aggregate([this.#ended, counted]).getMetricsAsArray() as MetricsSnapshot;
  }

  async text(): Promise<MetricsText> {
    const all = AggregatorRegistry.aggregate([...this.#newest.values(), this.#ended]);
    return { contentType: all.contentType, body: await all.metrics() };
  }
}
