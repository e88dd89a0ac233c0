import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { SubscriptionStatus, TenantStatus } from '../../src/database/generated/prisma/enums.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { codeOf } from '../sql/support/procedure-calls.js';

/** Everything that depends on a status, in one table over all of them. */
interface Row {
  /** The answer of tenantSchema: the schema, or the code of the refusal. */
  resolves: string;
  /**
   * Whether the view tenant_registry shows the module, as Tenant.modulesSubscribed and Tenant.financeSchema do; undefined: the view has
   * no row for the tenant.
   */
  isInView: boolean | undefined;
  /** The state of the binding in the service database, once it has followed. */
  binding: string;
  /** The answer of the guard to a service that enters with the current generation. */
  enters: string;
  /** The findings of doctor about correct storage. */
  sound: string[];
  /** The findings of doctor when the schema is missing. */
  withoutSchema: string[];
  /** The findings of doctor when the binding has another state. */
  withOtherState: string[];
  /** The findings of doctor when the last migration is missing. */
  behind: string[];
}

const open = { binding: 'active', enters: 'done' };
const whole = {
  sound: [],
  withoutSchema: ['SCHEMA_MISSING'],
  withOtherState: ['BINDING_STATE_DIFFERS'],
};
/**
 * While an operation should be running, the state of the storage is unknown, so the stalled operation is the only
 * finding.
 */
const stuck = {
  sound: ['SUBSCRIPTION_STUCK'],
  withoutSchema: ['SUBSCRIPTION_STUCK'],
  withOtherState: ['SUBSCRIPTION_STUCK'],
  behind: ['SUBSCRIPTION_STUCK'],
};
const hiddenButOpen = { isInView: false, ...open };

const subscriptions: Record<SubscriptionStatus, Row> = {
  ACTIVE: {
    resolves: 'schema',
    isInView: true,
    ...open,
    ...whole,
    behind: ['MIGRATIONS_MISSING'],
  },
  PENDING: { resolves: 'TENANT_NOT_READY', ...hiddenButOpen, ...whole, behind: [] },
  FAILED: { resolves: 'TENANT_NOT_READY', ...hiddenButOpen, ...whole, behind: [] },
  PROVISIONING: { resolves: 'TENANT_NOT_READY', ...hiddenButOpen, ...stuck },
  MIGRATING: {
    ...{ resolves: 'SCHEMA_MIGRATING', isInView: false },
    ...{ binding: 'not_ready', enters: 'TR004 TENANT_NOT_READY', ...whole, behind: [] },
  },
  SUSPENDED: {
    ...{ resolves: 'TENANT_SUSPENDED', isInView: false },
    ...{ binding: 'suspended', enters: 'TR002 TENANT_SUSPENDED', ...whole, behind: ['MIGRATIONS_MISSING'] },
  },
  DEPROVISIONING: {
    ...{ resolves: 'MODULE_NOT_SUBSCRIBED', isInView: false },
    ...{ binding: 'closed', enters: 'TR003 MODULE_NOT_SUBSCRIBED', ...stuck },
  },
  CANCELLED: {
    ...{ resolves: 'MODULE_NOT_SUBSCRIBED', isInView: false },
    ...{ binding: 'closed', enters: 'TR003 MODULE_NOT_SUBSCRIBED', ...whole, behind: [] },
  },
};

const closed = { binding: 'closed', enters: 'TR003 MODULE_NOT_SUBSCRIBED' };
const tenants: Record<TenantStatus, Row> = {
  ACTIVE: subscriptions.ACTIVE,
  PENDING: { resolves: 'TENANT_NOT_READY', ...hiddenButOpen, ...whole, behind: ['MIGRATIONS_MISSING'] },
  PROVISIONING: {
    ...{ resolves: 'TENANT_NOT_READY', ...hiddenButOpen, sound: ['TENANT_STUCK'] },
    withoutSchema: ['TENANT_STUCK', 'SCHEMA_MISSING'],
    withOtherState: ['TENANT_STUCK', 'BINDING_STATE_DIFFERS'],
    behind: ['TENANT_STUCK', 'MIGRATIONS_MISSING'],
  },
  FAILED: { resolves: 'TENANT_NOT_READY', ...hiddenButOpen, ...whole, behind: ['MIGRATIONS_MISSING'] },
  SUSPENDED: {
    ...{ resolves: 'TENANT_SUSPENDED', isInView: false },
    ...{ binding: 'suspended', enters: 'TR002 TENANT_SUSPENDED', ...whole, behind: ['MIGRATIONS_MISSING'] },
  },
  DELETED: { resolves: 'TENANT_DELETED', isInView: false, ...closed, ...whole, behind: [] },
  PURGED: {
    resolves: 'TENANT_NOT_FOUND',
    isInView: undefined,
    ...closed,
    ...whole,
    behind: [],
  },
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

/** Runs the operations that are due, as a worker does. */
async function runDue(): Promise<void> {
  const due = await gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE status = 'queued' AND run_after <= now()`,
  );
  for (const { id } of due) await gateway.app.commandsFor(developer).runOperation(id);
}

/** Everything that the product says of a tenant's finance data. */
async function look(id: string, schema: string): Promise<Row> {
  const { data } = await gateway.ask(
    'query ($id: ID!) { tenant(id: $id) { modulesSubscribed financeSchema operationsSchema } }',
    { id },
  );
  const { modulesSubscribed, financeSchema, operationsSchema } = data.tenant;
  const [seen] = await gateway.psql(
    'SELECT modules_subscribed, finance_schema, module_schemas, module_databases FROM tenant_registry WHERE tenant_id = $1',
    [id],
  );
  const isInView = seen && seen.modules_subscribed.length > 0;
  expect([modulesSubscribed, financeSchema, operationsSchema]).toEqual(
    isInView ? [['finance'], schema, null] : [[], null, null],
  );
  if (seen)
    expect([seen.modules_subscribed, seen.finance_schema, Object.keys(seen.module_databases)]).toEqual(
      isInView ? [['finance'], schema, ['finance']] : [[], null, []],
    );
  const [bound] = await gateway.psqlIn(
    'finance',
    'SELECT * FROM tenant_guard.binding WHERE schema_name = $1',
    [schema],
  );
  const [{ generation } = { generation: 0 }] = await gateway.psql<{ generation: number }>(
    'SELECT generation FROM module_subscriptions WHERE tenant_id = $1',
    [id],
  );
  const answer = await resolve(gateway, id);
  const findings = async (damage?: string, mend?: string) => {
    if (damage) await gateway.psqlIn('finance', damage);
    const found = await diagnose(gateway.app.commandsFor(developer), { modules: ['finance'], tenant: id });
    if (mend) await gateway.psqlIn('finance', mend);
    return found.findings.map(({ code }) => code);
  };
  const binding: string = bound?.state;
  const other = binding === 'not_ready' ? 'active' : 'not_ready';
  const setState = (state: string) =>
    `UPDATE tenant_guard.binding SET state = '${state}' WHERE schema_name = '${schema}'`;
  return {
    resolves: answer === schema ? 'schema' : answer,
    isInView,
    binding,
    enters: await codeOf(
      gateway.psqlIn('finance', 'SELECT tenant_guard.enter($1, $2, $3)', [id, schema, generation]),
    ),
    sound: await findings(),
    withOtherState: await findings(setState(other), setState(binding)),
    behind: await findings(
      `DELETE FROM tenant_guard.schema_version
       WHERE schema_name = '${schema}' AND migration = 'finance/0002_invoice_numbering.sql'`,
    ),
    withoutSchema: await findings(`ALTER SCHEMA ${schema} RENAME TO hidden_${schema.slice(-20)}`),
  };
}

async function aSubscribedTenant() {
  const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
  return { id, schema: `finance_${slug}` };
}

describe('fields, view, route, guard and doctor agree', () => {
  test.each(Object.values(SubscriptionStatus))('about a subscription that is %s', async (status) => {
    const { id, schema } = await aSubscribedTenant();
    await gateway.psql(
      'UPDATE module_subscriptions SET status = lower($2)::subscription_status WHERE tenant_id = $1',
      [id, status],
    );
    await runDue();
    expect(await look(id, schema)).toEqual(subscriptions[status]);
  });

  test.each(Object.values(TenantStatus))('about a tenant that is %s', async (status) => {
    const { id, schema } = await aSubscribedTenant();
    await gateway.psql('UPDATE tenants SET status = lower($2)::tenant_status WHERE id = $1', [id, status]);
    await runDue();
    expect(await look(id, schema)).toEqual(tenants[status]);
  });
});
