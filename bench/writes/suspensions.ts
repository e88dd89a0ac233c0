/** Many tenants suspended by one UPDATE in psql: how long until the guards of all their schemas refuse every service. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { EmbeddedRegistry } from '../registry/embedded-registry.js';

const prefix = 'suspended';
const limitMs = 300_000;

export interface Suspensions {
  tenants: number;
  /** From the start of the UPDATE until it was committed, and until the last guard had followed, in milliseconds. */
  updateMs: number;
  lastGuardMs: number;
}

/** The tenants have empty schemas: guards know nothing of tables. */
export async function suspendByUpdate(registry: EmbeddedRegistry, tenants: number): Promise<Suspensions> {
  const finance = new pg.Client({ connectionString: await registry.url('finance') });
  await finance.connect();
  try {
    await finance.query(`DO $$ BEGIN
      FOR at IN 1..${tenants} LOOP EXECUTE format('CREATE SCHEMA %I', 'finance_${prefix}_' || at); END LOOP;
    END $$`);
    await registry.pool.query(
      `WITH made AS (
         INSERT INTO tenants (slug, name) SELECT '${prefix}-' || at, 'Company' FROM generate_series(1, $1) AS at RETURNING id)
       INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM made`,
      [tenants],
    );
    await awaitGuards(finance, 'active', tenants);
    const startedAt = performance.now();
    await registry.pool.query(`UPDATE tenants SET status = 'suspended' WHERE slug LIKE '${prefix}-%'`);
    const updateMs = performance.now() - startedAt;
    await awaitGuards(finance, 'suspended', tenants);
    return { tenants, updateMs, lastGuardMs: performance.now() - startedAt };
  } finally {
    await finance.end();
  }
}

async function awaitGuards(finance: pg.Client, state: string, count: number): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    // Before the first binding there is no guard.
    const { rows } = await finance
      .query(
        `SELECT count(*)::int AS found FROM tenant_guard.binding WHERE schema_name LIKE 'finance\\_${prefix}\\_%' AND state = $1`,
        [state],
      )
      .catch((error) => {
        if (!['42P01', '3F000'].includes(error.code)) throw error;
        return { rows: [{ found: 0 }] };
      });
    if (rows[0].found === count) return;
    if (performance.now() - startedAt > limitMs)
      throw new Error(`Only ${rows[0].found} of ${count} guards are ${state} after ${limitMs} ms`);
    await delay(50);
  }
}
