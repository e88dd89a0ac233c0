import type { BusyTenants } from './busy-tenants.js';
import type { Count } from './plain-counter.js';

/** Counts of resolutions, by module and outcome: OK or the code of the refusal. */
export interface ResolutionCounts {
  /** @param module undefined: none that the registry has, so that callers cannot make up labels */
  of(module: string | undefined, outcome: string): Count;
  /** Counts by tenant; undefined without METRICS_TENANTS. */
  tenants: BusyTenants | undefined;
}

export const noCounts: ResolutionCounts = { of: () => ({ n: 0 }), tenants: undefined };
