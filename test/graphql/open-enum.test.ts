import type { GraphQLEnumType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorTable } from '../../src/errors.js';
import { schema } from '../../src/graphql/schema.js';
import { storageKinds } from '../../src/provisioning/storage/storage-kind.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const namesOf = (name: string) =>
  (schema.getType(name) as GraphQLEnumType)
    .getValues()
    .map((value) => value.name)
    .toSorted();

test('ErrorCode has the codes of the table of errors', () => {
  expect(namesOf('ErrorCode')).toEqual(Object.keys(errorTable).toSorted());
});

test('AuditEventKind has every kind that the triggers of the registry can write, and OTHER', async () => {
  const kinds = await gateway.psql<{ kind: string }>(`
    WITH operation AS (
      SELECT jsonb_build_object('kind', 'purge_tenant', 'attempt', 1, 'status', status.name, 'cancel_requested_at', requested.at) AS row
      FROM unnest(enum_range(NULL::operation_status)) AS status (name), (VALUES (NULL), (now())) AS requested (at)),
    watched AS (
      SELECT tgrelid, split_part(encode(tgargs, 'escape'), '\\000', 1) AS noun,
        EXISTS (SELECT FROM pg_trigger AS refusal WHERE refusal.tgrelid = record.tgrelid
          AND refusal.tgfoid = 'registry_refuse'::regproc AND refusal.tgtype & 8 > 0 AND refusal.tgqual IS NULL) AS keeps_rows
      FROM pg_trigger AS record WHERE tgfoid = 'registry_record_change'::regproc AND tgrelid <> 'operations'::regclass),
    status AS (
      SELECT attrelid, enumlabel AS name FROM pg_attribute JOIN pg_enum ON enumtypid = atttypid WHERE attname = 'status')
    SELECT registry_change_kind(noun, verb, NULL, NULL) AS kind
      FROM watched, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS verb WHERE verb <> 'DELETE' OR NOT keeps_rows
    UNION SELECT registry_change_kind(noun, 'UPDATE', old.name, new.name)
      FROM watched JOIN status AS old ON old.attrelid = tgrelid JOIN status AS new ON new.attrelid = tgrelid
    UNION SELECT kind FROM (
      SELECT registry_operation_event(NULL, row) FROM operation
      UNION SELECT registry_operation_event(was.row, became.row) FROM operation AS was, operation AS became) AS event (kind)
      WHERE kind IS NOT NULL`);
  const values = kinds.map(({ kind }) => kind.replace('.', '_').toUpperCase());
  expect(namesOf('AuditEventKind')).toEqual([...values, 'OTHER'].toSorted());
});

test('OperationStepName has the steps of every isolation', () => {
  const steps = Object.values(storageKinds).flatMap(({ createStep, dropStep }) => [createStep, dropStep]);
  expect(namesOf('OperationStepName')).toEqual(
    expect.arrayContaining([...steps.map((name) => name.toUpperCase()), 'OTHER']),
  );
});

describe('what a later version wrote', () => {
  test.each(['rocket.launched', 'tenant.exploded', 'constructor', 'OTHER', ''])(
    'kind %j in the audit log is answered as OTHER with its name, and found by OTHER',
    async (kind) => {
      await gateway.psql(
        `SET session_replication_role = replica;
         DELETE FROM registry_change WHERE entity_id = 'later';
         INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
         SELECT max(revision) + 1000, 0, '${kind}', 'later', 'x', 'x', now(), '', '' FROM registry_change`,
      );
      const { data, errors } = await gateway.ask(
        '{ auditLog(filter: { kind: [OTHER] }) { edges { node { kind kindText entityId revision } } } }',
      );
      expect(errors).toEqual([]);
      expect(data.auditLog.edges).toEqual([
        {
          node: {
            ...{ kind: 'OTHER', kindText: kind, entityId: 'later' },
            revision: expect.stringMatching(/^[0-9a-f]{16}:\d+$/),
          },
        },
      ]);
    },
  );

  test('a step is answered as OTHER', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    await gateway.psql(
      `WITH done AS (INSERT INTO operations (kind, status, finished_at, tenant_id, actor) VALUES ('purge_tenant', 'succeeded', now(), $1, 'x') RETURNING id)
       INSERT INTO operation_steps (operation_id, position, name) SELECT id, 0, 'fill_rocket' FROM done`,
      [id],
    );
    const [operation] = await gateway.psql<{ id: string }>(
      `SELECT operation_id AS id FROM operation_steps WHERE name = 'fill_rocket'`,
    );
    const { data, errors } = await gateway.ask('query ($id: ID!) { operation(id: $id) { steps { name } } }', {
      id: operation?.id,
    });
    expect(errors).toEqual([]);
    expect(data.operation.steps).toEqual([{ name: 'OTHER' }]);
  });
});

test('the revision of an entry is a minRevision for reads', async () => {
  const { id } = await aTenant().subscribedTo('finance').at(gateway);
  const { data } = await gateway.ask(
    'query ($id: ID!) { auditLog(tenantId: $id, first: 1) { edges { node { revision } } } }',
    { id },
  );
  const { revision } = data.auditLog.edges[0].node;
  const read = await gateway.ask(
    'query ($id: ID!, $r: Revision) { tenantSchema(id: $id, module: "finance", minRevision: $r) { schemaName } }',
    { id, r: revision },
  );
  expect(read.errors).toEqual([]);
  expect(read.data.tenantSchema.schemaName).toMatch(/^finance_/);
});
