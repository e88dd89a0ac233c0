import { expect, test } from 'vitest';
import { openGateway, recordStatements } from '../../setup/gateway.js';
import { takeOver } from '../support/legacy-story.js';

const count = 5_000;

test(`an import reads ${count} schemas with fewer than 60 statements, whether they are taken over or not`, {
  timeout: 120_000,
}, async () => {
  await using gateway = await openGateway();
  await gateway.psqlIn(
    'finance',
    `DO $$ BEGIN
       FOR number IN 1..${count} LOOP EXECUTE format('CREATE SCHEMA finance_shop_%s', number); END LOOP;
     END $$;
     CREATE TABLE tenants AS SELECT gen_random_uuid() AS id, 'shop-' || number AS slug, 'Shop ' || number AS name
     FROM generate_series(1, ${count}) AS number`,
  );
  await gateway.psql(
    `INSERT INTO tenants (slug, name) SELECT 'shop-' || number, 'Shop' FROM generate_series(1, ${count / 2}) AS number`,
  );
  await gateway.psql(
    `INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants`,
  );
  const statements = await recordStatements(async () => {
    const { entries } = await takeOver(gateway, { modules: ['finance'], isDryRun: true });
    const count = (wanted: string) => entries.filter(({ action }) => action === wanted).length;
    expect([count('unchanged'), count('register')]).toEqual([2_500, 2_500]);
  });
  expect(statements.length).toBeLessThan(60);
});
