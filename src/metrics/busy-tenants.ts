import { Gauge, type Registry } from 'prom-client';

const windowMs = 60_000;
/** Further tenants of a minute are not counted, so that their number does not decide how much memory this takes. */
const maxTenants = 100_000;

/** Counts resolutions by tenant for one minute, and shows the tenants with the most of the last whole minute. */
export class BusyTenants {
  readonly #clock: () => number;
  #counts = new Map<string, number>();
  #last = new Map<string, number>();
  #endsAt: number;

  constructor(top: number, registers: Registry[], clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#endsAt = clock() + windowMs;
    const read = () => this.#read(top);
    new Gauge({
      name: 'tenant_registry_tenant_resolutions_per_minute',
      help: 'Resolutions of a tenant in the last whole minute, for those with the most (METRICS_TENANTS)',
      labelNames: ['tenant'],
      registers,
      collect() {
        this.reset();
        for (const [tenant, count] of read()) this.set({ tenant }, count);
      },
    });
  }

  count(tenantId: string): void {
    this.#turn();
    const before = this.#counts.get(tenantId);
    if (before === undefined && this.#counts.size >= maxTenants) return;
    this.#counts.set(tenantId, (before ?? 0) + 1);
  }

  #read(top: number): [string, number][] {
    this.#turn();
    return [...this.#last].sort(([, a], [, b]) => b - a).slice(0, top);
  }

  #turn(): void {
    const now = this.#clock();
    if (now < this.#endsAt) return;
    // Without a request for a whole minute, the last one had none.
    this.#last = now - this.#endsAt < windowMs ? this.#counts : new Map();
    this.#counts = new Map();
    this.#endsAt = now + windowMs;
  }
}
