/** A connection lent by a pool: `PoolClient` of `pg`. */
export interface TenantClient {
  query(text: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** An error or true destroys the connection. */
  release(destroy?: Error | boolean): void;
}

/** A connection pool: `Pool` of `pg`. */
export interface TenantPool {
  connect(): Promise<TenantClient>;
}

/** A pool that this package closes itself. */
export interface OwnedPool extends TenantPool {
  end(): Promise<void>;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/** The driver's client type. `pg` declares a second form of `connect`, with a callback. */
export type ClientOf<Pool extends TenantPool> = Pool['connect'] extends {
  (): Promise<infer Client>;
  (...args: never[]): unknown;
}
  ? Client
  : Awaited<ReturnType<Pool['connect']>>;

/** The part of AbortSignal that is used. */
export interface Abort {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
