/** Medians over the rounds, ratios of medians, and the table that is printed. */
import type { Measurement } from './load.js';
import type { Way } from './questions.js';

interface ContestantSummary {
  name: string;
  title: string;
  /** Medians over the rounds. */
  requestsPerSecond: number;
  keysPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuUs: number | undefined;
  databaseCpuUs: number | undefined;
  /** Requests per second as a multiple of the other contestant's; undefined when that one was left out. */
  ratios: { bare: number | undefined; mercurius: number | undefined; preparedSql: number | undefined };
  rounds: Measurement[];
}

export interface WaySummary {
  name: string;
  title: string;
  keysPerRequest: number;
  contestants: ContestantSummary[];
}

export interface Measured {
  name: string;
  title: string;
  rounds: Measurement[];
}

export function medianOf(numbers: number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 0 ? (below + above) / 2 : above;
}

export function summarise(way: Way, measured: Measured[]): WaySummary {
  const rateOf = (name: string) => {
    const found = measured.find((one) => one.name === name);
    return found && medianOf(found.rounds.map(({ requestsPerSecond }) => requestsPerSecond));
  };
  const contestants = measured.map(({ name, title, rounds }): ContestantSummary => {
    const median = (field: keyof Measurement) => {
      const values = rounds.map((round) => round[field]).filter((value) => value !== undefined);
      return values.length > 0 ? medianOf(values) : undefined;
    };
    const requestsPerSecond = median('requestsPerSecond') ?? 0;
    const over = (other: number | undefined) => other && requestsPerSecond / other;
    return {
      ...{ name, title, requestsPerSecond },
      keysPerSecond: requestsPerSecond * way.keysPerRequest,
      p50Ms: median('p50Ms') ?? 0,
      p99Ms: median('p99Ms') ?? 0,
      cpuUs: median('cpuUs'),
      databaseCpuUs: median('databaseCpuUs'),
      ratios: {
        bare: over(rateOf('bare')),
        mercurius: over(rateOf('mercurius')),
        preparedSql: over(rateOf('sql-prepared')),
      },
      rounds,
    };
  });
  return { name: way.name, title: way.title, keysPerRequest: way.keysPerRequest, contestants };
}

/** In Markdown, to be copied into a document as it is. */
export function renderTable({ title, keysPerRequest, contestants }: WaySummary): string {
  const header = `| ${title} | requests/s | keys/s | of bare | of Mercurius | of prepared SQL | p99 ms | CPU µs per request | PostgreSQL's CPU µs |`;
  const number = (value: number | undefined, digits = 0) =>
    value === undefined
      ? ''
      : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const rows = contestants.map(({ ratios, ...one }) =>
    [
      one.title,
      number(one.requestsPerSecond),
      keysPerRequest === 1 ? '' : number(one.keysPerSecond),
      ...[ratios.bare, ratios.mercurius, ratios.preparedSql, one.p99Ms].map((value) => number(value, 2)),
      ...[one.cpuUs, one.databaseCpuUs].map((value) => number(value)),
    ].join(' | '),
  );
  return [header, `|---|${'--:|'.repeat(8)}`, ...rows.map((row) => `| ${row} |`)].join('\n');
}

/** keys/s of each batch as a multiple of the same contestant's with one key per request. */
export function renderBatchRatios(ways: WaySummary[]): string[] {
  const single = ways.find(({ name }) => name === 'keys-1');
  return ways
    .filter(({ name }) => /^keys-\d\d/.test(name))
    .flatMap(({ keysPerRequest, contestants }) =>
      contestants.flatMap(({ name, title, keysPerSecond }) => {
        const one = single?.contestants.find((other) => other.name === name);
        if (!one) return [];
        const ratio = (keysPerSecond / one.keysPerSecond).toFixed(1);
        return [`${title}: ${keysPerRequest} keys per request give ${ratio} × the keys/s of one`];
      }),
    );
}
