/** Faults that hit transactions from outside, and the ways in which a transaction may end. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { TransactionOptions } from '../../../src/client/transactions/transaction.js';
import type { Chance } from '../../protocol/support/virtual-time.js';
import { Mistake } from './hammer-work.js';

export interface Trouble {
  /** An administrator cancels the statement or ends the connection this long after the work began. */
  attack: { how: 'pg_cancel_backend' | 'pg_terminate_backend'; afterMs: number } | undefined;
  /** Options with a signal that aborts at a random moment, with a statement timeout, or without either. */
  options: TransactionOptions;
}

export function drawTrouble(chance: Chance): Trouble {
  const options: TransactionOptions = {};
  if (chance.happens(0.1)) options.statementTimeoutMs = Math.ceil(chance.between(1, 20));
  if (chance.happens(0.05)) options.isolation = 'REPEATABLE READ';
  if (chance.happens(0.05)) {
    const request = new AbortController();
    options.signal = request.signal;
    setTimeout(() => request.abort(), chance.between(0, 25));
  }
  if (!chance.happens(0.06)) return { attack: undefined, options };
  const how = chance.happens(0.7) ? 'pg_cancel_backend' : 'pg_terminate_backend';
  return { attack: { how, afterMs: chance.between(0, 8) }, options };
}

/**
 * Schedules the attack on the connection that the work uses now. Whichever transaction uses it at that moment is
 * hit.
 */
export async function attack(
  administrator: pg.Pool,
  tx: pg.ClientBase,
  { how, afterMs }: NonNullable<Trouble['attack']>,
): Promise<{ over: Promise<unknown> }> {
  const { rows } = await tx.query('SELECT pg_backend_pid() AS pid');
  return { over: delay(afterMs).then(() => administrator.query(`SELECT ${how}($1)`, [rows[0]?.pid])) };
}

/** Recognises the end of a transaction by its error; the first match counts. */
const endings = {
  'aborted request': ({ name }: Failure) => name === 'AbortError',
  'mistake of its own': (_: Failure, error: unknown) => error instanceof Mistake,
  'error swallowed': ({ message }: Failure) => /^The transaction was rolled back/.test(message),
  'statement timeout': ({ code, message }: Failure) => code === '57014' && /timeout/.test(message),
  'statement cancelled': ({ code }: Failure) => code === '57014',
  'connection lost': ({ code, message }: Failure) =>
    code === '57P01' ||
    code === '08P01' ||
    /^Connection terminated|not queryable|ECONNRESET|EPIPE/.test(message),
  // 25P02: a statement that was not awaited was cancelled before.
  'error of a statement': ({ code }: Failure) => code === '22012' || code === '25P02',
  'error of the commit': ({ code }: Failure) => code === '23503',
  'tenant suspended': ({ code }: Failure) => code === 'TENANT_SUSPENDED',
} satisfies Record<string, (failure: Failure, error: unknown) => boolean>;

interface Failure {
  name: string;
  message: string;
  code?: string;
}

export type Ending = 'committed' | keyof typeof endings;

/** undefined: an error that no fault explains. */
export function endingOf(error: unknown): Ending | undefined {
  const kinds = Object.keys(endings) as (keyof typeof endings)[];
  return kinds.find((kind) => endings[kind](error as Failure, error));
}
