import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createDraw } from '../../setup/random.js';
import { promiseSeed, seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';
import { openLoneSchemas } from '../support/lone-schemas.js';

const schemaCount = sizeOf({ usual: 80, full: 200 });

test(`indexes over ${schemaCount} tenants, killed at random moments, end valid, and none that was valid is built twice`, {
  timeout: 600_000,
}, async () => {
  promiseSeed();
  const below = createDraw(seed);
  await using schemas = await openLoneSchemas(3_000);
  const names: string[] = [];
  for (let made = 0; made < schemaCount; made++) names.push(await schemas.makeSchema());
  const seen = new Map<string, number>();
  let kills = 0;
  let invalid = 0;
  // How long a run takes on this machine: kills at any time of it.
  let usualMs = 40;
  for (const schema of names) {
    for (let isDone = false; !isDone; ) {
      const client = await schemas.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const begun = performance.now();
      const run = schemas.run(schema, 'CREATE INDEX CONCURRENTLY t_a_idx ON t (a, b)', { client }).then(
        () => true,
        () => false,
      );
      if (below(10) < 7) {
        await delay(below(Math.ceil(usualMs)));
        await schemas.ask('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
        kills++;
      } else if (await run) usualMs = performance.now() - begun;
      await run;
      await client.end().catch(() => undefined);
      const [index] = await schemas.ask<{ oid: number }>(
        `SELECT indexrelid AS oid FROM pg_index WHERE indrelid = $1::regclass AND indisvalid`,
        [`${schema}.t`],
      );
      if (Object.values(await schemas.indexes(schema)).includes(false)) invalid++;
      const before = seen.get(schema);
      if (before !== undefined) expect(index?.oid).toBe(before);
      if (index) seen.set(schema, index.oid);
      isDone = (await schemas.applied(schema)).length === 1;
    }
  }
  for (const schema of names) {
    expect(await schemas.indexes(schema)).toEqual({ t_a_idx: true });
    expect(await schemas.states(schema)).toEqual([]);
  }
  expect(kills).toBeGreaterThan(schemaCount / 2);
  // The kills hit indexes that were half built.
  expect(invalid).toBeGreaterThan(0);
});
