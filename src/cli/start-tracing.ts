import type { Config } from '../config.js';
import type { Log } from '../log.js';
import type { Tracing } from '../tracing/tracing.js';

/** Begins to make spans where OTEL_* variables ask for it. Before everything that is opened: connections are traced from then on. */
export async function startTracing({ tracing }: Config, log: Log): Promise<Tracing | undefined> {
  return tracing && (await import('../tracing/open-tracing.js')).openTracing(tracing, log);
}
