import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool, PoolClient } from 'pg';
import { Prisma, type PrismaClient } from '../generated/prisma/client.js';
import { type Answer, type BatchAnswer, type Statement, sendBatch } from './batch.js';
import { isUnusableName, nameOf, sendsNames, stopNames } from './prepared-query.js';

/**
 * An open transaction. The models and raw queries of Prisma run in it, and so do statements that are sent without Prisma, which
 * cost a fraction and go out several in one message.
 */
export type Transaction = Prisma.TransactionClient & Statements;

interface Statements {
  /** Sends statements in one message, behind those that wait, and resolves with their answers. */
  send(...statements: Statement[]): Promise<Answer[]>;
  /** Keeps statements until the next ones are sent, in the same message. `check` gets their answers and may throw. */
  prepend(statements: readonly Statement[], check?: (answers: Answer[]) => void): void;
  /** Sends statements and COMMIT in one message, and resolves with their answers. Nothing may follow. */
  commit(...statements: Statement[]): Promise<Answer[]>;
}

/** How long a transaction may take, in milliseconds. */
const timeoutMs = 20_000;

/** Marks an error of a statement that was sent without Prisma: its name tells it from those of service databases. */
export function asRegistryFailure(error: Error): Error {
  error.name = 'RegistryDatabaseError';
  return error;
}

/** The connection that Prisma's next transaction uses, of which another owner sends BEGIN and COMMIT. */
const joined = new AsyncLocalStorage<PoolClient>();

/** Prisma's adapter for a pool, which can also work in a transaction that was begun without it. */
export class JoiningAdapter extends PrismaPg {
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (isolation) => {
      const client = joined.getStore();
      if (!client) return start(isolation);
      const nothing = async () => undefined;
      return Object.create(adapter, {
        client: { value: client },
        // Prisma then sends no COMMIT or ROLLBACK of its own.
        options: { value: { usePhantomQuery: true } },
        commit: { value: nothing },
        rollback: { value: nothing },
      });
    };
    return adapter;
  }
}

/**
 * Runs the work in one READ COMMITTED transaction, and commits unless the work has done it. Prisma joins the transaction at its
 * first use.
 */
export async function runTransaction<T>(
  prisma: PrismaClient,
  pool: Pool,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  const open = new OpenTransaction(prisma, pool, client);
  let isOver = false;
  try {
    const result = await work(open.asPrisma());
    await open.commit();
    isOver = true;
    return result;
  } catch (error) {
    isOver = await open.rollback();
    if (!isUnusableName(error) || !sendsNames(pool)) throw error;
    // The failure has undone everything, so the same work can be done again.
    stopNames(pool);
  } finally {
    client.release(!isOver);
  }
  return runTransaction(prisma, pool, work);
}

const begin: Statement = { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' };
const commit: Statement = { text: 'COMMIT' };

class OpenTransaction implements Statements {
  readonly #prisma: PrismaClient;
  readonly #pool: Pool;
  readonly #client: PoolClient;
  readonly #endsBy = performance.now() + timeoutMs;
  #waiting: { statements: readonly Statement[]; check?: ((answers: Answer[]) => void) | undefined }[] = [
    { statements: [begin] },
  ];
  #hasBegun = false;
  #isCommitted = false;
  #joining: Promise<Prisma.TransactionClient> | undefined;
  #leave: (() => Promise<unknown>) | undefined;

  constructor(prisma: PrismaClient, pool: Pool, client: PoolClient) {
    this.#prisma = prisma;
    this.#pool = pool;
    this.#client = client;
  }

  async send(...statements: Statement[]): Promise<Answer[]> {
    this.#hasBegun = true;
    const waiting = [...this.#waiting, { statements, check: undefined }];
    this.#waiting = [];
    const { answers, error } = await this.#sendBatch(waiting.flatMap((part) => part.statements));
    // An answer that a check refuses explains the error of a statement behind it.
    for (const part of waiting) {
      const own = answers.splice(0, part.statements.length);
      if (own.length === part.statements.length && part.check) part.check(own);
      if (own.length === part.statements.length && part !== waiting.at(-1)) continue;
      if (error) throw error;
      return own;
    }
    return [];
  }

  prepend(statements: readonly Statement[], check?: (answers: Answer[]) => void): void {
    this.#waiting.push({ statements, check });
  }

  async commit(...statements: Statement[]): Promise<Answer[]> {
    if (this.#isCommitted) return [];
    if (performance.now() > this.#endsBy)
      throw Object.assign(new Error(`the transaction took longer than ${timeoutMs} ms`), { code: 'P2028' });
    await this.#leave?.();
    // A check that throws must be able to undo everything.
    if (this.#waiting.some(({ check }) => check !== undefined)) await this.send();
    const answers = await this.send(...statements, commit);
    this.#isCommitted = true;
    return answers;
  }

  /** Resolves with whether the connection can be used again. */
  async rollback(): Promise<boolean> {
    if (!this.#hasBegun) return true;
    await this.#leave?.().catch(() => undefined);
    // When the connection itself failed, the ROLLBACK fails too and the server rolls back on its own.
    return this.#client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
  }

  /** Models and raw queries of Prisma beside the methods of this class. */
  asPrisma(): Transaction {
    const own: Statements = {
      send: (...statements) => this.send(...statements),
      prepend: (statements, check) => this.prepend(statements, check),
      commit: (...statements) => this.commit(...statements),
    };
    // Every model and every method is a function of Prisma's client, so the proxies stand for all of them.
    return new Proxy(own, {
      get: (_, key) =>
        typeof key === 'symbol' ? undefined : (own[key as keyof Statements] ?? this.#deferred(key)),
    }) as Transaction;
  }

  /** A raw query, or a model, that joins Prisma when it is called. */
  #deferred(key: string): unknown {
    type Callable = Record<string, (...args: unknown[]) => Promise<unknown>>;
    const call = async (find: (joined: never) => Callable, name: string, args: unknown[]) => {
      this.#joining ??= this.#join();
      const prisma = await this.#joining;
      if (this.#waiting.length > 0) await this.send();
      return find(prisma as never)[name]?.(...args);
    };
    if (key.startsWith('$')) return (...args: unknown[]) => call((prisma) => prisma, key, args);
    return new Proxy(
      {},
      {
        get:
          (_, method: string) =>
          (...args: unknown[]) =>
            call((prisma) => prisma[key], method, args),
      },
    );
  }

  /** Begins a transaction of Prisma on this connection. Its end is neither a COMMIT nor a ROLLBACK. */
  async #join(): Promise<Prisma.TransactionClient> {
    if (this.#waiting.length > 0) await this.send();
    return new Promise((resolve, reject) => {
      let leave = () => {};
      const left = new Promise<void>((done) => {
        leave = done;
      });
      const begun = joined.run(this.#client, () =>
        this.#prisma.$transaction(
          (prisma) => {
            resolve(prisma);
            return left;
          },
          { isolationLevel: Prisma.TransactionIsolationLevel.ReadCommitted, timeout: timeoutMs },
        ),
      );
      begun.catch(reject);
      this.#leave = () => {
        leave();
        return begun;
      };
    });
  }

  async #sendBatch(statements: readonly Statement[]): Promise<BatchAnswer> {
    const named = sendsNames(this.#pool);
    const sent = statements.map((one) =>
      named && one.isFrequent ? { ...one, name: nameOf(one.text) } : one,
    );
    const answer = await sendBatch(this.#client, sent);
    if (answer.error) asRegistryFailure(answer.error);
    return answer;
  }
}
