import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { TestGateway } from '../../setup/gateway.js';

/** "23505 CONFLICT | the way out", of a call that is refused; "done" of one that is not. */
export async function outcomeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

/** The same, without what stands behind the code: "23505 CONFLICT". */
export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return (await outcomeOf(attempt)).replace(/^(\w{5} [A-Z_]+):.*$/s, '$1');
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

export async function register(gateway: TestGateway, slug: string, name = slug): Promise<string> {
  const [row] = await gateway.psql<{ tenant_id: string }>('CALL register_tenant($1, $2)', [slug, name]);
  return row?.tenant_id ?? '';
}

export function subscribe(gateway: TestGateway, ...given: [tenant: string, module: string, schema: string]) {
  return gateway.psql('CALL subscribe_tenant_to_module($1, $2, $3)', given);
}

export function mark(gateway: TestGateway, ...given: [tenant: string, module: string, status: string]) {
  return gateway.psql('CALL mark_module_provisioned($1, $2, $3)', given);
}

/** Makes the schema as a service does, and lets the module resolve. */
export async function ensureAndMark(
  gateway: TestGateway,
  tenantId: string,
  module: string,
  schema: string,
): Promise<void> {
  await gateway.psqlIn(module, `CALL ensure_${module}_tenant_schema($1, $2)`, [tenantId, schema]);
  await mark(gateway, tenantId, module, 'success');
}
