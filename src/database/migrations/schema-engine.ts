import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { MigrationList, SchemaEngine, SchemaFilter } from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { Migration } from './migration-folder.js';

/** The part of WebAssembly that is used here. @types/node leaves these types to the DOM library. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

type SchemaEngineModule = typeof import('@prisma/schema-engine-wasm/schema_engine_bg');

let loading: Promise<SchemaEngineModule> | undefined;

export const wholeSchema: SchemaFilter = { externalTables: [], externalEnums: [] };

/**
 * Opens Prisma's schema engine as WebAssembly: the native one is a download, and the network may be closed. The caller
 * frees it. To apply migrations it needs no schema, only the name of the provider.
 */
export async function openSchemaEngine(
  adapter: SqlMigrationAwareDriverAdapterFactory,
): Promise<SchemaEngine> {
  loading ??= loadSchemaEngine();
  const engine = await loading;
  const datamodel = 'datasource db {\n  provider = "postgresql"\n}\n';
  return await engine.SchemaEngine.new(
    { datamodels: [['schema.prisma', datamodel]] },
    () => {}, // the engine's log, one line of JSON per step
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

/** Loads the module without the package's entry point, which imports the .wasm as a module; Node 20 cannot do that. */
async function loadSchemaEngine(): Promise<SchemaEngineModule> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const [bytes, engine] = await Promise.all([
    readFile(entry.replace(/\.js$/, '.wasm')),
    import('@prisma/schema-engine-wasm/schema_engine_bg'),
  ]);
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': withIdleTimers(engine),
  });
  engine.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return engine;
}

/** The engine's ten-second timer for the lock is never cleared and would keep a finished process from exiting. */
function withIdleTimers(engine: object): object {
  const [name] = Object.keys(engine).filter((key) => key.startsWith('__wbg_setTimeout_'));
  if (!name)
    throw new Error(
      'This version of @prisma/schema-engine-wasm does not import setTimeout in the known way: adapt schema-engine.ts',
    );
  return { ...engine, [name]: (callback: () => void, ms: number) => setTimeout(callback, ms).unref() };
}

/** Returns migrations in the form that the engine accepts. */
export function createMigrationList(migrations: Migration[]): MigrationList {
  return {
    baseDir: 'prisma/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: script } },
    })),
  };
}
