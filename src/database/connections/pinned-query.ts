import { type Client, Query, type QueryResult } from 'pg';
import { pinTransactionSql, setLocalSql } from './session-settings.js';

/** Parts of the driver's connection and query that its types do not have. */
interface Wire {
  parse(statement: { text: string; name: string; types: never[] }): void;
  bind(portal: { portal: string; statement: string; values: never[] }): void;
  execute(portal: { portal: string; rows: number }): void;
  stream: { cork(): void; uncork(): void };
}

interface Driver {
  text: string;
  query_timeout: number | undefined;
  callback: ((error: Error | null, result: QueryResult) => void) | undefined;
  requiresPreparation(): boolean;
  submit(connection: Wire): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Wire): void;
}

// The types show a small part of the class.
const DriverQuery = Query as unknown as new (...parameters: unknown[]) => Driver;

/**
 * A query that sets everything for its transaction in the same message when it begins one, for sessions that change with each
 * transaction. The results of these statements are dropped.
 */
export class PinnedQuery extends DriverQuery {
  readonly #client: Client;
  readonly #settings: Readonly<Record<string, string>>;
  #unanswered = 0;

  constructor(
    client: Client,
    settings: Readonly<Record<string, string>>,
    [config, values, done]: [config: unknown, values: unknown, done: unknown],
  ) {
    const given = typeof config === 'string' ? { text: config } : (config as object);
    // A prepared statement belongs to one session.
    super({ ...given, name: undefined }, values, done);
    this.#client = client;
    this.#settings = settings;
    this.query_timeout = (given as { query_timeout?: number }).query_timeout;
  }

  /** The result as a promise. */
  answer(send: () => void): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      this.callback = (error, result) => (error ? reject(error) : resolve(result));
      send();
    });
  }

  override submit(connection: Wire): Error | null {
    if (/[TE]/.test(this.#client.getTransactionStatus() ?? '')) return super.submit(connection);
    if (!this.requiresPreparation()) {
      const statements = setLocalSql(this.#settings);
      this.#unanswered = statements.length;
      this.text = `${statements.join('; ')}; ${this.text}`;
      return super.submit(connection);
    }
    const statements = pinTransactionSql(this.#settings);
    this.#unanswered = statements.length;
    connection.stream.cork();
    try {
      for (const text of statements) {
        connection.parse({ text, name: '', types: [] });
        connection.bind({ portal: '', statement: '', values: [] });
        connection.execute({ portal: '', rows: 0 });
      }
      return super.submit(connection);
    } finally {
      connection.stream.uncork();
    }
  }

  override handleRowDescription(message: unknown): void {
    if (this.#unanswered === 0) super.handleRowDescription(message);
  }

  override handleDataRow(message: unknown): void {
    if (this.#unanswered === 0) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: Wire): void {
    if (this.#unanswered === 0) super.handleCommandComplete(message, connection);
    else this.#unanswered--;
  }
}
