import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { added } from './module-files.js';

/**
 * The loop that people write: for each schema and file a transaction that sets search_path, runs the file and records it. Each session
 * of psql gets a part of the schemas.
 */
export async function runPlainLoop(
  url: string,
  modulesDir: string,
  module: string,
  schemas: readonly string[],
  sessions: number,
): Promise<void> {
  const files = await Promise.all(
    Object.keys(added).map(async (name) => ({
      name,
      sql: await readFile(join(modulesDir, module, name), 'utf8'),
    })),
  );
  const scripts = Array.from({ length: sessions }, (_, session) =>
    schemas
      .filter((_schema, at) => at % sessions === session)
      .flatMap((schema) => files.map(({ name, sql }) => transaction(schema, `${module}/${name}`, sql)))
      .join('\n'),
  );
  await Promise.all(scripts.map((script) => runScript(url, script)));
}

function transaction(schema: string, name: string, sql: string): string {
  return `BEGIN;
SET LOCAL search_path = ${schema};
${sql}INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
  SELECT schema_name, schema_oid, '${name}', checksum, tenant_id, module FROM tenant_guard.schema_version WHERE schema_name = '${schema}' LIMIT 1;
COMMIT;`;
}

async function runScript(url: string, script: string): Promise<void> {
  const child = spawn('psql', [url, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(script);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}
