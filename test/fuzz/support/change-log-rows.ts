import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { routesChanged } from '../../feed/support/credential-streams.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate, resolve } from '../../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { hostileText, hostileValue, type Outcome, pick, type Random } from './mutate.js';

const batch = 100;

/**
 * Writes fuzzed rows into the change log, as a superuser without its triggers could, in the midst of real changes. Gateways must go
 * on, answer the truth, and pass on the changes to subscribers and readers of the audit log.
 */
export async function fuzzChangeLogRows(count: number, random: Random): Promise<Outcome> {
  const outcome: Outcome = { tried: 0, compared: 0, wrong: [] };
  await using gateway = await openGateway();
  await using other = await openGateway({ sharing: gateway });
  const tenants = [
    await aTenant().subscribedTo('finance').at(gateway),
    await aTenant().subscribedTo('finance').at(gateway),
  ];
  const key = await gateway.createKey('resolve:*', 'registry:read');
  await using stream = await routesChanged(other.url, key);
  const client = new pg.Client({ connectionString: gateway.registry.url });
  await client.connect();
  try {
    for (let round = 0; outcome.tried < count; round++) {
      const size = Math.min(batch, count - outcome.tried);
      await insertRows(
        client,
        Array.from({ length: size }, () => fuzzRow(random, tenants)),
      );
      outcome.tried += size;
      const [changing, steady] = tenants as [StoryTenant, StoryTenant];
      const isSuspended = round % 2 === 0;
      const { codes } = isSuspended
        ? await mutate(gateway, 'suspendTenant', { tenantId: changing.id, reason: 'x' })
        : await mutate(gateway, 'resumeTenant', { tenantId: changing.id });
      if (codes.length > 0) outcome.wrong.push(`a change was refused: ${codes}`);
      const truth = [isSuspended ? 'TENANT_SUSPENDED' : `finance_${changing.slug}`, `finance_${steady.slug}`];
      for (const asked of [gateway, other])
        for (const [at, tenant] of [changing, steady].entries()) {
          outcome.compared++;
          const answer = await resolve(asked, tenant.slug);
          if (answer !== truth[at]) outcome.wrong.push(`${tenant.slug}: ${answer} instead of ${truth[at]}`);
        }
      await readLog(gateway, outcome);
    }
    // The stream goes on after all of them.
    const [, steady] = tenants as [StoryTenant, StoryTenant];
    await mutate(gateway, 'updateTenant', { tenantId: steady.id, name: 'Last' });
    const revision = `:${(await client.query('SELECT revision::text FROM registry_head')).rows[0].revision}"`;
    for (let waited = 0; !stream.text().includes(revision) && waited < 400; waited++)
      await new Promise((go) => setTimeout(go, 25));
    if (!stream.text().includes(revision))
      outcome.wrong.push('routesChanged did not deliver the last change');
  } finally {
    await client.end();
  }
  return outcome;
}

async function readLog(gateway: TestGateway, outcome: Outcome): Promise<void> {
  const { errors } = await gateway.ask(
    '{ auditLog(last: 20) { edges { node { revision kind actor entityId tenantId tenantSlug module after hash changedAt } } } }',
  );
  outcome.compared++;
  if (errors.length > 0) outcome.wrong.push(`auditLog: ${JSON.stringify(errors).slice(0, 300)}`);
}

interface Row {
  gap: number;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  kind: string;
  text: string;
  json: unknown;
  hash: Buffer;
}

/** PostgreSQL stores neither NUL nor unpaired surrogates. */
const storable = (text: string) => Buffer.from(text.replaceAll('\u0000', '')).toString();

function fuzzRow(random: Random, tenants: readonly StoryTenant[]): Row {
  const tenant = pick(random, tenants);
  const text = () => storable(hostileText(random));
  const kinds = [
    'tenant.suspended',
    'tenant.',
    '.',
    'subscription.activated',
    'module.updated',
    'api_key.revoked',
    'member.removed',
  ];
  return {
    gap: random(10) === 0 ? random(5_000) : random(3),
    tenantId: pick(random, [tenant.id, randomUUIDOf(random), null]),
    tenantSlug: pick(random, [tenant.slug, pick(random, tenants).slug, text(), null]),
    module: pick(random, ['finance', 'operations', text(), null]),
    kind: pick(random, [...kinds, text()]),
    text: text(),
    json: JSON.parse(
      storable(JSON.stringify({ a: hostileValue(random) })).replaceAll(/\\u(0000|d[89a-f]..)/gi, ''),
    ),
    hash: Buffer.from(Array.from({ length: pick(random, [0, 1, 32]) }, () => random(256))),
  };
}

function randomUUIDOf(random: Random): string {
  return random(2) === 0 ? randomUUID() : '00000000-0000-0000-0000-000000000000';
}

async function insertRows(client: pg.Client, rows: readonly Row[]): Promise<void> {
  await client.query("BEGIN; SET LOCAL session_replication_role = 'replica'");
  const { rows: heads } = await client.query('SELECT revision FROM registry_head FOR UPDATE');
  let revision = BigInt(heads[0].revision) + 1n;
  let position = 0;
  const values: unknown[][] = [];
  for (const { gap, tenantId, tenantSlug, module, kind, text, json, hash } of rows) {
    position = gap === 0 ? position + 1 : 0;
    revision += BigInt(gap);
    values.push([
      revision,
      position,
      tenantId,
      tenantSlug,
      module,
      kind,
      text,
      text,
      text,
      JSON.stringify(json),
      hash,
      hash,
    ]);
  }
  for (const row of values)
    await client.query(
      `INSERT INTO registry_change (revision, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role,
         after, previous_hash, hash, changed_at) VALUES (${row.map((_, at) => `$${at + 1}`).join()}, now())`,
      row,
    );
  await client.query(`UPDATE registry_head SET revision = $1, position = $2, hash = $3`, [
    revision,
    position,
    rows.at(-1)?.hash,
  ]);
  await client.query('COMMIT');
}
