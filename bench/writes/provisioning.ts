/** Subscribing and provisioning, 8 at once, beside 4 PostgreSQL sessions that run the same files in schemas of their own. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Gateway } from '../registry/gateway.js';

const module = 'finance';
const lanes = { gateway: 8, sessions: 4 };
const modulesFolder = join(import.meta.dirname, '../../modules');

/** Schemas made and migrated per second. The tenants stand before the time begins. */
export async function provisionThroughGateway(gateway: Gateway, slugs: string[]): Promise<number> {
  const register =
    'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { tenant { id } } }';
  for (const slug of slugs) await gateway.ask(register, { input: { slug, name: 'Company' } });
  const subscribe = `mutation ($input: SubscribeTenantToModuleInput!) {
    subscribeTenantToModule(input: $input) { operation { status error } }
  }`;
  return countPerSecond(slugs, lanes.gateway, async (slug) => {
    const { subscribeTenantToModule: payload } = (await gateway.ask(subscribe, {
      input: { tenantId: slug, module },
    })) as { subscribeTenantToModule: { operation: { status: string; error: string | null } | null } };
    if (payload.operation?.status !== 'SUCCEEDED')
      throw new Error(`The provisioning of ${slug} ended as ${JSON.stringify(payload.operation)}`);
  });
}

/** One transaction per schema, as somebody would do it in psql: the least that the same tables can cost. */
export async function provisionBySessions(databaseUrl: string, schemas: string[]): Promise<number> {
  const files = await readMigrations();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: lanes.sessions });
  pool.on('error', () => undefined);
  try {
    return await countPerSecond(schemas, lanes.sessions, async (schema) => {
      const name = pg.escapeIdentifier(schema);
      const begin = `BEGIN; CREATE SCHEMA ${name}; SET LOCAL search_path = ${name}`;
      await pool.query([begin, ...files, 'COMMIT'].join(';\n'));
    });
  } finally {
    await pool.end();
  }
}

async function readMigrations(): Promise<string[]> {
  const texts: string[] = [];
  for (const folder of ['_every', module]) {
    const files = (await readdir(join(modulesFolder, folder))).filter((file) => file.endsWith('.sql'));
    for (const file of files.sort()) texts.push(await readFile(join(modulesFolder, folder, file), 'utf8'));
  }
  return texts;
}

async function countPerSecond(
  names: string[],
  atOnce: number,
  work: (name: string) => Promise<void>,
): Promise<number> {
  const waiting = [...names];
  const startedAt = performance.now();
  const lane = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) await work(name);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (names.length * 1_000) / (performance.now() - startedAt);
}
