import type { Pool } from 'pg';
import type { PoolUse } from '../../metrics/pool-gauges.js';
import { readPoolUse } from './pool.js';
import type { Turnstile } from './turnstile.js';

/** What the role of a connection to a service database may do. */
export type Kind = 'provisioner' | 'reader';

/** A service database that was used before. */
export interface OpenedDatabase {
  pool: Promise<Pool>;
  /** Undefined until it is open. */
  opened?: Pool;
  turnstile: Turnstile;
  database: string;
  kind: Kind;
}

export function readUseOf({ opened, turnstile, database, kind }: OpenedDatabase): PoolUse[] {
  if (!opened) return [];
  const { busy, idle } = readPoolUse(opened);
  const { waiting, waits } = turnstile;
  return [{ database, pool: kind, busy, idle, waiting, waits }];
}
