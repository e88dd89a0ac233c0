import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';

/** The catalogue's "char", one byte: kinds of constraints and the like. */
const charType = 18;

/**
 * PrismaPg with what the schema engine needs and PrismaPg 7.10 gets wrong: it would cut a script at each semicolon, and
 * refuses "char", which the engine wants as a character and not as text. The session also serves as the shadow database:
 * whoever needs one brings a session of an empty database, and drops that afterwards.
 */
export function createMigrationAdapter(
  session: pg.Client,
  runScript: (script: string) => Promise<unknown> = (script) => session.query(script),
): SqlMigrationAwareDriverAdapterFactory {
  const charColumns = new Set<string>();
  const query = async (config: pg.QueryConfig) => {
    const result = await session.query(config);
    for (const field of result.fields) {
      if (field.dataTypeID !== charType) continue;
      charColumns.add(field.name);
      field.dataTypeID = pg.types.builtins.TEXT;
    }
    return result;
  };
  // PrismaPg takes pools only, and a real one would drop the session, and with it the lock, after any failed query.
  const factory = new PrismaPg(Object.assign(new pg.Pool(), { query }));
  const connect = async (): Promise<SqlDriverAdapter> => {
    const adapter = await factory.connect();
    return {
      provider: adapter.provider,
      adapterName: adapter.adapterName,
      queryRaw: async (query) => {
        const result = await adapter.queryRaw(query);
        const columnTypes = result.columnTypes.map((type, index) =>
          charColumns.has(result.columnNames[index] ?? '') ? ColumnTypeEnum.Character : type,
        );
        return { ...result, columnTypes };
      },
      executeRaw: (query) => adapter.executeRaw(query),
      executeScript: async (script) => {
        try {
          await runScript(script);
        } catch (error) {
          throw toDriverAdapterError(error);
        }
      },
      startTransaction: () =>
        Promise.reject(new Error('A migration is one script, and that its own transaction')),
      getConnectionInfo: () => adapter.getConnectionInfo(),
      dispose: () => adapter.dispose(),
    };
  };
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect,
    connectToShadowDb: connect,
  };
}

function toDriverAdapterError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const { code = 'N/A', severity = 'ERROR', message, detail, column, hint } = error;
  return new DriverAdapterError({ kind: 'postgres', code, severity, message, detail, column, hint });
}
