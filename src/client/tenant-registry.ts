import { EventEmitter } from 'node:events';
import { TenantRegistryError } from './error.js';
import type { TenantChange } from './knowledge.js';
import { readOptions, type TenantRegistryOptions } from './options.js';
import { readReference } from './reference.js';
import { openResolver, type Resolver } from './resolver.js';
import type { TenantRoute } from './route.js';

export interface TenantRegistryEvents {
  /** What is known is proven by a gateway, for the first time or again. */
  ready: [];
  /** No gateway proves it any more: only the fence makes what was known safe to use. */
  stale: [];
  /** Something changed; without a tenant, anything may have. May come twice. */
  change: [change: TenantChange];
  /** What went wrong in the background, once per outage. Nobody has to listen. */
  error: [error: unknown];
}

/** Where each tenant's data of one module is: always current, mostly from memory. */
export interface TenantRegistry {
  /** A tenant's route, by id or slug. Throws TenantRegistryError with the registry's code. */
  resolve(tenantId: string): Promise<TenantRoute>;
  /** Many at once, in order, each with its own route or refusal. */
  resolveMany(tenantIds: readonly string[]): Promise<(TenantRoute | TenantRegistryError)[]>;
  /** Ends its connections and timers. What is asked afterwards is refused. */
  close(): Promise<void>;
  on<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
  once<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
  off<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
}

/** Opens a client of the registry for one module. It begins to follow the registry at once. */
export function createTenantRegistry(options: TenantRegistryOptions): TenantRegistry {
  return new RegistryClient(options);
}

class RegistryClient extends EventEmitter<TenantRegistryEvents> implements TenantRegistry {
  readonly #resolver: Resolver;

  constructor(options: TenantRegistryOptions) {
    super();
    this.#resolver = openResolver(readOptions(options), {
      ready: () => void this.emit('ready'),
      stale: () => void this.emit('stale'),
      change: (change) => void this.emit('change', change),
      error: (error) => {
        // Without a listener Node.js would end the process.
        if (this.listenerCount('error') > 0) this.emit('error', error);
      },
    });
  }

  // Not async: what is known costs one promise.
  resolve(tenantId: string): Promise<TenantRoute> {
    const known = this.#resolver.find(tenantId);
    return known ? Promise.resolve(known) : this.#resolve(tenantId);
  }

  async #resolve(tenantId: string): Promise<TenantRoute> {
    return this.#resolver.resolve(readReference(tenantId));
  }

  resolveMany(tenantIds: readonly string[]): Promise<(TenantRoute | TenantRegistryError)[]> {
    const resolve = async (tenantId: string) => {
      try {
        return await this.resolve(tenantId);
      } catch (error) {
        if (error instanceof TenantRegistryError) return error;
        throw error;
      }
    };
    return Promise.all(tenantIds.map(resolve));
  }

  close(): Promise<void> {
    return this.#resolver.close();
  }
}
