import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';

/** OID of PostgreSQL's one-byte type "char", which its catalogs use for kinds of constraints and the like. */
const charType = 18;

/**
 * PrismaPg, with two corrections that the schema engine needs from PrismaPg 7.10: it splits a script at each semicolon,
 * and it refuses "char", which the engine expects as a character and not as text. The session also serves as the shadow
 * database: a caller that needs one passes a session of an empty database and drops that database afterwards.
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
  // PrismaPg accepts pools only, and a real pool would drop the session, and with it the lock, after any failed query.
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
        Promise.reject(new Error('A migration is one script, which is its own transaction')),
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
