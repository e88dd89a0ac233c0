import DataLoader from 'dataloader';
import type { QueryResult } from 'pg';
import { currentScope, type StatementScope } from '../connections/statement-scope.js';

/** A statement that reads rows. Its placeholders are $1, $2 and so on. */
interface RowStatement {
  text: string;
  values?: readonly unknown[];
}

/**
 * Reads rows as JSON has them: times, values of type bytea and numbers beyond 2^53 have to be texts. All statements of one
 * operation that are asked for in one turn of the event loop are sent as one, which reads one snapshot.
 */
export type ReadRows = <Row extends object>(statement: RowStatement) => Promise<Row[]>;

/** SQLSTATEs of a statement that cannot be answered as it is, whatever else is sent with it. */
const ownFault = /^(?:22|42|P0)/;

/** Statements are sent when the loaders that were filled in the same turn have asked for theirs. */
const inTurn = { cache: false, batchScheduleFn: setImmediate };

export function createRowReader(
  query: (text: string, values: unknown[]) => Promise<Pick<QueryResult, 'rows'>>,
): ReadRows {
  const loaders = new WeakMap<StatementScope, DataLoader<RowStatement, object[]>>();

  async function readTogether(statements: readonly RowStatement[]): Promise<object[][]> {
    const values: unknown[] = [];
    const columns = statements.map((statement, at) => {
      const before = values.length;
      values.push(...(statement.values ?? []));
      const text = statement.text.replaceAll(/\$(\d+)/g, (_, number) => `$${before + Number(number)}`);
      return `(SELECT json_agg(row_to_json(part.*)) FROM (${text}) AS part) AS part${at}`;
    });
    const { rows } = await query(`SELECT ${columns.join(',\n')}`, values);
    return statements.map((_, at) => rows[0]?.[`part${at}`] ?? []);
  }

  /** A statement with a fault of its own fails alone. */
  async function readEach(statements: readonly RowStatement[]): Promise<(object[] | Error)[]> {
    try {
      return await readTogether(statements);
    } catch (error) {
      if (statements.length === 1 || !ownFault.test((error as { code?: string }).code ?? '')) throw error;
      const answers = statements.map((statement) => readTogether([statement]).catch((own: Error) => [own]));
      return (await Promise.all(answers)).flat(1) as (object[] | Error)[];
    }
  }

  function loaderOf(scope: StatementScope): DataLoader<RowStatement, object[]> {
    const loader = loaders.get(scope) ?? new DataLoader(readEach, inTurn);
    loaders.set(scope, loader);
    return loader;
  }

  return async <Row extends object>(statement: RowStatement) => {
    const scope = currentScope();
    const rows = scope ? await loaderOf(scope).load(statement) : (await readTogether([statement]))[0];
    // The rows have the columns of the statement, as in QueryResult of the driver.
    return (rows ?? []) as Row[];
  };
}
