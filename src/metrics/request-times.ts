import { Histogram, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

/** Upper bounds in seconds. */
const requestBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

interface Times {
  path: string;
  status: number;
  /** Number of requests up to each bound and above the one before; the last: above all bounds. */
  counts: number[];
  sum: number;
}

/** A histogram that finds its labels by two plain keys: prom-client's own makes a text of them for each request. */
export class RequestTimes extends Histogram<'path' | 'status'> {
  readonly #times = new Map<string, Map<number, Times>>();
  readonly #name: string;
  readonly #help: string;

  constructor(options: {
    name: string;
    help: string;
    labelNames: ('path' | 'status')[];
    registers: Registry[];
  }) {
    super({ ...options, buckets: requestBuckets });
    this.#name = options.name;
    this.#help = options.help;
  }

  count(path: string, status: number, seconds: number): void {
    const times = this.#timesOf(path, status);
    let at = 0;
    while (at < requestBuckets.length && seconds > (requestBuckets[at] as number)) at++;
    times.counts[at] = (times.counts[at] as number) + 1;
    times.sum += seconds;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<'path' | 'status'>>> {
    const all = [...this.#times.values()].flatMap((byStatus) => [...byStatus.values()]);
    const values = all.flatMap((times) => this.#valuesOf(times));
    // prom-client's types have a number for the kind of a metric, and its registry writes a word.
    const type = 'histogram' as unknown as MetricObjectWithValues<MetricValue<string>>['type'];
    return { name: this.#name, help: this.#help, type, aggregator: 'sum', values, collect: () => undefined };
  }

  getForPromString() {
    return this.get();
  }

  #timesOf(path: string, status: number): Times {
    const byStatus = this.#times.get(path) ?? new Map<number, Times>();
    this.#times.set(path, byStatus);
    const known = byStatus.get(status);
    if (known) return known;
    const times = { path, status, counts: new Array<number>(requestBuckets.length + 1).fill(0), sum: 0 };
    byStatus.set(status, times);
    return times;
  }

  #valuesOf({ path, status, counts, sum }: Times) {
    let below = 0;
    const buckets = [...requestBuckets, '+Inf'].map((le, at) => {
      below += counts[at] as number;
      return { metricName: `${this.#name}_bucket`, labels: { le, path, status }, value: below };
    });
    const labels = { path, status };
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: below },
    ];
  }
}
