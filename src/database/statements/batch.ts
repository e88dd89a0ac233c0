import { type ClientBase, type Connection, type FieldDef, types } from 'pg';
import { DatabaseClient } from '../connections/database-client.js';

/** A statement with its parameters. */
export interface Statement {
  text: string;
  values?: readonly Parameter[];
  /** Whether PostgreSQL is to keep its plan, per connection; for a text that is always the same. */
  isFrequent?: boolean;
}

export interface NamedStatement extends Statement {
  name?: string;
}

export type Parameter = string | number | bigint | boolean | null | Uint8Array | readonly string[];

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: the columns are those of the statement, as in QueryResult of the driver
  rows: any[];
  rowCount: number;
}

/** The answers of the statements before the first one that failed, and its error. */
export interface BatchAnswer {
  answers: Answer[];
  error: Error | undefined;
}

/**
 * Sends statements in one message of the extended protocol. The server runs them in order, each with a snapshot of its own, and
 * skips those behind one that fails. Behind a pooler they pin the transaction that they begin, as every query does.
 */
export function sendBatch(client: ClientBase, statements: readonly NamedStatement[]): Promise<BatchAnswer> {
  return new Promise((resolve) => {
    const done = (error: Error | null, answer?: BatchAnswer) =>
      resolve(answer ?? { answers: [], error: error ?? undefined });
    client.query(new Batch(client instanceof DatabaseClient ? client : undefined, statements, done));
  });
}

/** As sendBatch, for statements that all have to succeed. */
export async function sendAll(client: ClientBase, ...statements: Statement[]): Promise<Answer[]> {
  const { answers, error } = await sendBatch(client, statements);
  if (error) throw error;
  return answers;
}

/** What the driver keeps about a connection's named statements, besides its declared type. */
type KnownStatements = Connection & { parsedStatements: Record<string, string> };

/** Forgets the named statements of a connection, which DISCARD ALL has removed from its session. */
export function forgetStatements(client: ClientBase): void {
  // The driver keeps them in a property that its types do not have.
  (client as unknown as { connection: KnownStatements }).connection.parsedStatements = {};
}

interface CommandComplete {
  text: string;
}

/** What `client.query` gets for several statements. The property `text` is for those who watch what a client sends. */
class Batch {
  readonly text: string;
  readonly values: readonly Parameter[];
  /** Called once. The driver wraps it for its timeout, and calls it with an error alone when the time is over. */
  callback: (error: Error | null, answer?: BatchAnswer) => void;
  readonly #client: DatabaseClient | undefined;
  readonly #statements: readonly NamedStatement[];
  readonly #answers: Answer[] = [];
  /** Answers to come that belong to no statement of the caller. */
  #unwanted = 0;
  /** Statements whose name the server is about to learn, in order. */
  readonly #unparsed: [name: string, text: string][] = [];
  #fields: readonly FieldDef[] = [];
  #rows: unknown[] = [];
  #learn = () => {};
  #connection: KnownStatements | undefined;

  constructor(
    client: DatabaseClient | undefined,
    statements: readonly NamedStatement[],
    callback: (error: Error | null, answer?: BatchAnswer) => void,
  ) {
    this.#client = client;
    this.#statements = statements;
    this.callback = callback;
    this.text = statements.map(({ text }) => text).join(';\n');
    this.values = statements.flatMap(({ values = [] }) => values);
  }

  submit(connection: Connection): void {
    const known = connection as KnownStatements;
    this.#connection = known;
    this.#learn = () => {
      const [name = '', text = ''] = this.#unparsed.shift() ?? [];
      if (name !== '') known.parsedStatements[name] = text;
    };
    connection.on('parseComplete', this.#learn);
    connection.stream.cork();
    const parsed = new Set<string>();
    const pins = (this.#client?.transactionPins ?? []).map((text): NamedStatement => ({ text }));
    this.#unwanted = pins.length;
    for (const statement of [...pins, ...this.#statements]) {
      const { text, values = [] } = statement;
      // A prepared statement belongs to one session.
      const name = this.#client?.keepsSession === false ? '' : (statement.name ?? '');
      const isKnown = name !== '' && (parsed.has(name) || known.parsedStatements[name] === text);
      if (!isKnown) {
        parsed.add(name);
        this.#unparsed.push([name, text]);
        connection.parse({ name, text, types: [] }, true);
      }
      connection.bind({ portal: '', statement: name, values: values.map(toText) }, true);
      connection.describe({ type: 'P', name: '' }, true);
      connection.execute({ portal: '' }, true);
    }
    connection.sync();
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { fields: readonly FieldDef[] }): void {
    this.#fields = fields;
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    if (this.#unwanted > 0) return;
    const row: Record<string, unknown> = {};
    this.#fields.forEach(({ name, dataTypeID }, at) => {
      const value = fields[at];
      row[name] = value == null ? null : types.getTypeParser(dataTypeID, 'text')(value);
    });
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: CommandComplete): void {
    if (this.#unwanted > 0) {
      this.#unwanted--;
      return;
    }
    this.#answers.push({ rows: this.#rows, rowCount: Number(/\d+$/.exec(text)?.[0] ?? 0) });
    this.#rows = [];
    this.#fields = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  handleError(error: Error): void {
    // The server skips the others, so their answers never come.
    this.#end({ answers: this.#answers, error });
  }

  handleReadyForQuery(): void {
    this.#end({ answers: this.#answers, error: undefined });
  }

  #end(answer: BatchAnswer): void {
    this.#connection?.removeListener('parseComplete', this.#learn);
    this.callback(null, answer);
  }
}

/** The text form of a parameter; PostgreSQL reads it as the type that the statement expects. */
function toText(value: Parameter): string | Buffer | null {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'object') return `{${value.map(quote).join(',')}}`;
  return String(value);
}

function quote(element: string): string {
  return `"${element.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
