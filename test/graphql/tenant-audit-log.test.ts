import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordQueries, recordStatements, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let acme: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance').at(gateway);
  await aTenant().at(gateway);
  // Revisions with one digit more.
  for (let n = 0; n < 10; n++)
    await gateway.psql('UPDATE tenants SET short_name = $1 WHERE id = $2', [`Acme ${n}`, acme.id]);
});
afterAll(() => gateway?.close());

const page =
  'edges { cursor node { revision position kind tenantId hash } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

async function read(args: string) {
  const { data, errors } = await gateway.ask(
    `{ tenant(id: "${acme.id}") { auditLog${args} { ${page} } }
       auditLog(tenantId: "${acme.id}"${args === '' ? '' : `, ${args.slice(1, -1)}`}) { ${page} } }`,
  );
  expect(errors).toEqual([]);
  return { nested: data.tenant.auditLog, root: data.auditLog };
}

describe('Tenant.auditLog', () => {
  test('has the pages of auditLog(tenantId), with the same cursors', async () => {
    const { nested: all, root } = await read('');
    expect(all).toEqual(root);
    expect(all.edges.length).toBeGreaterThan(4);
    const revisions = all.edges.map(({ node }: { node: { revision: string } }) =>
      Number(node.revision.split(':')[1]),
    );
    expect(revisions).toEqual(revisions.toSorted((one: number, other: number) => other - one));
    expect(revisions[0]).toBeGreaterThan(9);
    const first = await read('(first: 2)');
    expect(first.nested).toEqual(first.root);
    const next = await read(`(first: 2, after: "${first.nested.pageInfo.endCursor}")`);
    expect(next.nested).toEqual(next.root);
    expect(next.nested.edges).toEqual(all.edges.slice(2, 4));
    const last = await read(`(after: "${all.edges.at(-2).cursor}")`);
    expect(last.nested.edges).toEqual(all.edges.slice(-1));
    expect(last.nested.pageInfo.hasNextPage).toBe(false);
  });

  test.each(['first: -1', 'after: "x"', 'after: "R1BDOjE="'])('refuses (%s)', async (args) => {
    const { codes } = await gateway.ask(
      `{ tenant(id: "${acme.id}") { auditLog(${args}) { edges { cursor } } } }`,
    );
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });

  test.each(['__typename', 'edges { cursor }', 'pageInfo { hasNextPage }'])(
    'needs audit:read for { %s }',
    async (fields) => {
      const query = `{ tenant(id: "${acme.id}") { auditLog { ${fields} } } }`;
      const ask = async (...scopes: string[]) =>
        (await gateway.ask(query, {}, { key: await gateway.createKey(...scopes) })).codes;
      expect(await ask('registry:read')).toEqual(['FORBIDDEN']);
      expect(await ask('registry:read', 'audit:read')).toEqual([]);
    },
  );

  test('is one statement for any number of tenants, which reads one index', async () => {
    const query = '{ tenants { edges { node { auditLog(first: 2) { edges { node { kind } } } } } } }';
    const one = query.replace('tenants', 'tenants(first: 1)');
    const [ofOne, ofAll] = [
      await recordStatements(() => gateway.ask(one)),
      await recordStatements(() => gateway.ask(query)),
    ];
    expect(ofAll.length).toBe(ofOne.length);
    const sent = (await recordQueries(() => gateway.ask(query))).find(({ text }) =>
      text.includes('FROM registry_change'),
    );
    await gateway.psql(
      `SET session_replication_role = replica;
       INSERT INTO registry_change (revision, position, tenant_id, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
         SELECT 1000000 + n, 0, gen_random_uuid(), 'tenant.updated', 'x', 'x', 'x', now(), '', '' FROM generate_series(1, 20000) AS n;
       ANALYZE registry_change`,
    );
    const plan = await gateway.psql(`EXPLAIN ${sent?.text}`, sent?.values);
    expect(JSON.stringify(plan)).toContain('registry_change_tenant_id_revision_position_idx');
  });
});
