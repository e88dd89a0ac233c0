import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRegistryDatabase, type RegistryDatabase } from '../../src/database/registry-database.js';
import { openLog } from '../../src/log.js';
import { asRegistryError, mayPass } from '../../src/registry/database-failure.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

/*
 * What a caller gets for each SQLSTATE, whatever language the server speaks, through the driver, through raw statements of Prisma
 * and through its models.
 */

let registry: TestDatabase;
let database: RegistryDatabase;

/** No word of a message may decide. */
const words = 'Kilit zaman aşımı nedeniyle »deyim« iptal ediliyor';

beforeAll(async () => {
  registry = await createRegistryDatabase();
  database = openRegistryDatabase(registry.url, openLog('silent'));
  await database.pool.query(`
    CREATE FUNCTION fail_as_told() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '${words}' USING ERRCODE = NEW.short_name; END $$;
    CREATE TRIGGER fail_as_told BEFORE INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION fail_as_told()`);
});
afterAll(async () => {
  await database?.close();
  await registry?.drop();
});

const insert = (state: string) =>
  `INSERT INTO tenants (slug, name, short_name) VALUES ('x1', 'x', '${state}')`;

const ways: Readonly<Record<string, (state: string) => Promise<unknown>>> = {
  'the driver': (state) => database.pool.query(insert(state)),
  'raw SQL in a transaction': (state) => database.transaction((tx) => tx.$executeRawUnsafe(insert(state))),
  'a model of Prisma': (state) =>
    database.transaction((tx) => tx.tenant.create({ data: { slug: 'x1', name: 'x', shortName: state } })),
};

/** SQLSTATE, what it means, the caller's code (undefined: INTERNAL_SERVER_ERROR), whether a retry is worth it. */
const table: [string, string, string | undefined, boolean][] = [
  ['08000', 'connection exception', 'REGISTRY_UNAVAILABLE', true],
  ['08003', 'connection does not exist', 'REGISTRY_UNAVAILABLE', true],
  ['08004', 'server rejected the connection', 'REGISTRY_UNAVAILABLE', true],
  ['08006', 'connection failure', 'REGISTRY_UNAVAILABLE', true],
  ['08P01', 'protocol violation, as poolers send it', 'REGISTRY_UNAVAILABLE', true],
  ['22001', 'string too long', undefined, false],
  ['22023', 'invalid parameter', undefined, false],
  ['23502', 'not null', undefined, false],
  ['25006', 'read-only transaction', 'REGISTRY_UNAVAILABLE', false],
  ['25P02', 'failed transaction', undefined, false],
  ['25P03', 'idle in transaction too long', 'REGISTRY_UNAVAILABLE', true],
  ['25P04', 'transaction took too long', 'REGISTRY_UNAVAILABLE', true],
  ['28000', 'invalid authorization', 'REGISTRY_UNAVAILABLE', false],
  ['28P01', 'wrong password', 'REGISTRY_UNAVAILABLE', false],
  ['3D000', 'no such database', 'REGISTRY_UNAVAILABLE', false],
  ['40001', 'serialization failure', 'REGISTRY_UNAVAILABLE', true],
  ['40P01', 'deadlock', 'REGISTRY_UNAVAILABLE', true],
  ['42501', 'no privilege', undefined, false],
  ['42601', 'syntax error', undefined, false],
  ['42703', 'no such column', undefined, false],
  ['42P01', 'no such table', undefined, false],
  ['53000', 'insufficient resources', 'REGISTRY_UNAVAILABLE', true],
  ['53100', 'disk full', 'REGISTRY_UNAVAILABLE', true],
  ['53200', 'out of memory', 'REGISTRY_UNAVAILABLE', true],
  ['53300', 'too many connections', 'REGISTRY_UNAVAILABLE', true],
  ['53400', 'configuration limit, such as temp_file_limit', 'REGISTRY_UNAVAILABLE', true],
  ['54001', 'statement too complex', undefined, false],
  ['55000', 'object not in the needed state', undefined, false],
  ['55006', 'object in use', undefined, true],
  ['55P03', 'lock not available', 'REGISTRY_UNAVAILABLE', true],
  ['57014', 'statement cancelled', 'REGISTRY_UNAVAILABLE', true],
  ['57P01', 'administrator shuts down', 'REGISTRY_UNAVAILABLE', true],
  ['57P02', 'crash', 'REGISTRY_UNAVAILABLE', true],
  ['57P03', 'starting', 'REGISTRY_UNAVAILABLE', true],
  ['57P05', 'idle session too long', 'REGISTRY_UNAVAILABLE', true],
  ['58000', 'system error', 'REGISTRY_UNAVAILABLE', true],
  ['58030', 'I/O error', 'REGISTRY_UNAVAILABLE', true],
  ['58P01', 'undefined file', 'REGISTRY_UNAVAILABLE', true],
  ['P0001', 'raised by a function', undefined, false],
  ['XX000', 'internal error', undefined, false],
  ['XX001', 'data corrupted', undefined, false],
];

describe.each(Object.keys(ways))('through %s', (way) => {
  test.each(table)('%s (%s) is %s, worth a retry: %s', async (state, _meaning, code, isTransient) => {
    const failure = await ways[way]?.(state).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(asRegistryError(failure)?.code).toBe(code);
    // The caller reads our words, not those of the server.
    expect(asRegistryError(failure)?.message ?? '').not.toContain('Kilit');
    expect(mayPass(failure)).toBe(isTransient);
    expect(mayPass(asRegistryError(failure) ?? failure)).toBe(isTransient);
  });
});

describe('a violated rule is known by its name', () => {
  test.each([
    'new row for relation "tenants" violates check constraint "tenants_config_without_secrets"',
    'neue Zeile für Relation »tenants« verletzt Check-Constraint »tenants_config_without_secrets«',
    'la nouvelle ligne de la relation « tenants » viole la contrainte de vérification « tenants_config_without_secrets »',
    'la nouvelle ligne de la relation «\u00a0tenants\u00a0» viole la contrainte de vérification «\u00a0tenants_config_without_secrets\u00a0»',
    '„tenants_config_without_secrets“',
  ])('in the message %s', (message) => {
    const error = Object.assign(new Error('Prisma'), {
      cause: { kind: 'postgres', code: '23514', message },
    });
    expect(asRegistryError(error)?.code).toBe('SECRET_IN_CONFIG');
  });
});

test('a database that accepts no connections is an outage, and not a statement that came too early', async () => {
  const closed = await createRegistryDatabase();
  const server = new pg.Client({ connectionString: registry.url });
  await server.connect();
  try {
    await server.query(`ALTER DATABASE ${closed.name} ALLOW_CONNECTIONS false`);
    const other = openRegistryDatabase(closed.url, openLog('silent'));
    const failures = await Promise.all([
      other.pool.query('SELECT').catch((error: unknown) => error),
      other.prisma.module.count().catch((error: unknown) => error),
      other.transaction((tx) => tx.module.count()).catch((error: unknown) => error),
    ]);
    await other.close();
    expect(failures.map((failure) => asRegistryError(failure)?.code)).toEqual(
      Array(3).fill('REGISTRY_UNAVAILABLE'),
    );
    expect(failures.map(mayPass)).toEqual([true, true, true]);
  } finally {
    await server.end();
    await closed.drop();
  }
});
