/** A connection that a pool lends: `PoolClient` of `pg`. */
export interface TenantClient {
  query(text: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** With an error or true it is destroyed. */
  release(destroy?: Error | boolean): void;
}

/** What lends connections: `Pool` of `pg`. */
export interface TenantPool {
  connect(): Promise<TenantClient>;
}

/** A pool that this package closes by itself. */
export interface OwnedPool extends TenantPool {
  end(): Promise<void>;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/** What a pool's driver calls a client. The second form of `connect`, with a callback, is one of `pg`. */
export type ClientOf<Pool extends TenantPool> = Pool['connect'] extends {
  (): Promise<infer Client>;
  (...args: never[]): unknown;
}
  ? Client
  : Awaited<ReturnType<Pool['connect']>>;

/** The part of an AbortSignal that is used here. */
export interface Abort {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
