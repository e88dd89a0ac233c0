import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { registerTenant } from '../../../src/profile/commands/register-tenant.js';
import { startRollout } from '../../../src/provisioning/commands/start-rollout.js';
import { subscribeTenantToModule } from '../../../src/provisioning/commands/subscribe-tenant-to-module.js';
import { query } from '../../interruption/provisioning-environment.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { startWorker, type WorkerProcess } from '../../interruption/worker-process.js';
import { uniqueName } from '../../setup/database.js';
import { createDraw } from '../../setup/random.js';
import { promiseSeed, seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';

vi.setConfig({ testTimeout: 1_500_000 });

const kills = sizeOf({ usual: 12, full: 200 });
const tenants = 30;

test('a rollout whose processes are killed again and again runs every file once per tenant, and ends', async () => {
  promiseSeed();
  const draw = createDraw(seed);
  await using environment = await openTestEnvironment();
  const slugs = Array.from({ length: tenants }, () => uniqueName('k'));
  const context = environment.app.commandsFor(developer);
  for (const slug of slugs) {
    await registerTenant(context, { name: slug, slug });
    await subscribeTenantToModule(context, { tenantId: slug, module: 'alpha' });
  }
  await writeFile(join(environment.modulesDir, 'contacts/0003_ran.sql'), 'CREATE TABLE ran (file text);');
  const written = ['0003_ran'];
  await using crew = new Workers(environment.env);
  await crew.fill();
  let killed = 0;
  for (let round = 0; killed < kills; round++) {
    written.push(...(await writeRound(environment, round)));
    const { rolloutId } = await startRollout(context, { module: 'alpha', strategy: { waves: 3 } });
    const until = Date.now() + 300_000;
    for (let status = 'RUNNING'; status !== 'SUCCEEDED'; ) {
      if (Date.now() > until) throw new Error(`rollout ${rolloutId} does not end`);
      const rollout = await environment.app.database.prisma.rollout.findUniqueOrThrow({
        where: { id: rolloutId },
      });
      status = rollout.status;
      // The attempts of a tenant whose process is killed each time end like those of a service that holds locks.
      if (status === 'PAUSED' || status === 'FAILED')
        throw new Error(`${status}: ${rollout.pauseReason ?? (await firstError(environment, rolloutId))}`);
      if (rollout.worker !== null && killed < kills) {
        await delay(draw(400));
        await crew.killOne(draw);
        killed++;
        await crew.fill();
      } else await delay(50);
    }
    const expected = written.filter((name) => name.endsWith('_log'));
    for (const slug of slugs) {
      const schema = `alpha_${slug}`;
      const ran = await query<{ file: string }>(
        environment.urls.one,
        `SELECT file FROM ${schema}.ran ORDER BY file`,
      );
      expect([slug, ran.map(({ file }) => file)]).toEqual([slug, expected]);
    }
    const [wrong] = await query<{ invalid: number; versions: number }>(
      environment.urls.one,
      `SELECT (SELECT count(*)::int FROM pg_index WHERE NOT indisvalid) AS invalid,
         (SELECT count(*)::int FROM tenant_guard.schema_version WHERE module = 'alpha' AND migration LIKE 'contacts/%') AS versions`,
    );
    expect(wrong).toEqual({ invalid: 0, versions: tenants * (written.length + 2) });
  }
});

async function firstError({ app }: TestEnvironment, rolloutId: string): Promise<string | null> {
  const row = await app.database.prisma.rolloutTenant.findFirst({
    where: { rolloutId, status: { in: ['FAILED', 'BLOCKED'] } },
  });
  return row?.error ?? null;
}

/** Files of each kind: sent with others, alone in a transaction, and outside transactions. */
async function writeRound({ modulesDir }: TestEnvironment, round: number): Promise<string[]> {
  const number = (at: number) => String(10 + round * 10 + at).padStart(4, '0');
  const files: Record<string, string> = {
    [`${number(0)}_table`]: `CREATE TABLE t${round} (id int PRIMARY KEY, word text);`,
    [`${number(1)}_log`]: `INSERT INTO ran VALUES ('${number(1)}_log');`,
    [`${number(2)}_index`]: `-- transaction: none\nCREATE INDEX CONCURRENTLY t${round}_word ON t${round} (word);`,
    [`${number(3)}_column`]: `ALTER TABLE t${round} ADD COLUMN more int;`,
    [`${number(4)}_log`]: `INSERT INTO ran SELECT '${number(4)}_log' FROM pg_sleep(0.02);`,
  };
  for (const [name, sql] of Object.entries(files))
    await writeFile(join(modulesDir, 'contacts', `${name}.sql`), sql);
  return Object.keys(files);
}

/** Two worker processes; one that was killed is replaced. */
class Workers implements AsyncDisposable {
  readonly #env: Record<string, string>;
  readonly #alive: WorkerProcess[] = [];

  constructor(env: Record<string, string>) {
    this.#env = env;
  }

  async fill(): Promise<void> {
    while (this.#alive.length < 2) this.#alive.push(await startWorker(this.#env));
  }

  async killOne(draw: (below: number) => number): Promise<void> {
    const [victim] = this.#alive.splice(draw(this.#alive.length), 1);
    await victim?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#alive.map((worker) => worker.kill()));
  }
}
