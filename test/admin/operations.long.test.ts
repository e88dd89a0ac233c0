import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

const hostile = '<img src=x onerror=alert(1)> שלום 🦁';

describe.skipIf(skipsBrowser)('the screens of operations', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  /** An operation as a worker could have left it. */
  async function anOperation(status: string, error: string | null): Promise<string> {
    const slug = `t-${Math.random().toString(36).slice(2, 10)}`;
    const tenantId = await admin.aTenant(hostile, slug);
    const [row] = await admin.gateway.psql<{ id: string }>(
      `INSERT INTO operations (kind, tenant_id, actor, status, error, finished_at)
        VALUES ('subscribe_tenant', $1, 'somebody', $2::operation_status, $3, CASE WHEN $2 IN ('failed', 'compensated') THEN now() END) RETURNING id`,
      [tenantId, status, error],
    );
    const id = row?.id ?? '';
    await admin.gateway.psql(
      `INSERT INTO operation_steps (operation_id, position, name, module, status, error)
        VALUES ($1, 0, 'create_schema', 'finance', $2::operation_status, $3)`,
      [id, status === 'queued' ? 'queued' : 'failed', error],
    );
    return id;
  }

  test('lists operations by filters that the URL holds', async () => {
    await anOperation('failed', hostile);
    await anOperation('queued', null);
    const { page, problems } = await admin.enter('/operations?status=FAILED');
    const table = page.getByRole('region', { name: 'Operations' });
    await table.getByText('subscribe tenant').first().waitFor();
    await table.getByText(hostile).first().waitFor();
    expect(await table.getByText('queued', { exact: true }).count()).toBe(0);
    await page.getByRole('link', { name: 'Tenants' }).waitFor();
    await page.getByLabel('Module').selectOption('inventory');
    await page.getByText('No operation matches').waitFor();
    await page.getByLabel('Module').selectOption('finance');
    await table.getByText(hostile).first().waitFor();
    expect(new URL(page.url()).search).toBe('?status=FAILED&module=finance');
    await takePictures(page, 'operations');
    expect(await page.locator('img').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('shows an operation live, and cancels it', async () => {
    const id = await anOperation('queued', null);
    const { page } = await admin.enter(`/operations/${id}`);
    await page.getByRole('heading', { name: 'Subscribe tenant', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    expect(
      (await admin.gateway.psql<{ status: string }>('SELECT status FROM operations WHERE id = $1', [id]))[0]
        ?.status,
    ).toBe('cancelled');
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    await page.context().close();
  });

  test('shows the reason of a failure with the remedy, and both attempts after a retry', async () => {
    const tenantId = await admin.aTenant(hostile, 'retried');
    await admin.gateway.psqlIn('finance', 'CREATE SCHEMA finance_retried');
    const { subscribeTenantToModule } = await admin.ask(
      `mutation ($tenantId: ID!) { subscribeTenantToModule(input: { tenantId: $tenantId, module: "finance" }) { operation { id } } }`,
      { tenantId },
    );
    const { page, problems } = await admin.enter(`/operations/${subscribeTenantToModule.operation.id}`);
    await page.getByText('Mend the cause, then retry').waitFor();
    await page
      .getByText(/finance_retried/)
      .first()
      .waitFor();
    await takePictures(page, 'operation');
    await admin.gateway.psqlIn('finance', 'DROP SCHEMA finance_retried');
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: /^Attempt 2 succeeded/ }).waitFor();
    await page.getByRole('button', { name: /^Attempt 1/ }).click();
    await page
      .getByRole('region', { name: /^Attempt 1/ })
      .getByText(/finance_retried/)
      .first()
      .waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('shows the result of each tenant of an operation on many', async () => {
    const first = await admin.aTenant('Bulk one', 'bulk-one');
    await admin.aTenant('Bulk two', 'bulk-two');
    await admin.gateway.psql(`UPDATE tenants SET is_protected = true WHERE id = $1`, [first]);
    const { suspendTenants } = await admin.ask(
      `mutation { suspendTenants(input: { tenantIds: ["bulk-one", "bulk-two", "nobody"], reason: "unpaid" }) { operation { id } } }`,
    );
    const { page } = await admin.enter(`/operations/${suspendTenants.operation.id}`);
    await page.getByRole('heading', { name: 'Suspend tenants', level: 1 }).waitFor();
    const results = page.getByRole('region', { name: 'Tenants of the operation' });
    await results.getByText('nobody').first().waitFor();
    await page.getByLabel('Status of the tenants').selectOption('SUCCEEDED');
    await results.getByText('nobody').first().waitFor({ state: 'detached' });
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const id = await anOperation('failed', 'A reason');
    const { page } = await admin.enter('/operations');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('region', { name: 'Operations' }).waitFor();
    const violations = await findViolations(page);
    const { page: detail } = await admin.enter(`/operations/${id}`);
    await detail.emulateMedia({ colorScheme });
    await detail.getByText('Mend the cause').waitFor();
    expect([...violations, ...(await findViolations(detail))]).toEqual([]);
    await page.context().close();
    await detail.context().close();
  });

  test('disables what the caller may not do', async () => {
    const id = await anOperation('failed', 'A reason');
    const { page } = await admin.enter(`/operations/${id}`, ['registry:read']);
    await page.getByRole('button', { name: 'Retry' }).hover();
    await page.getByText('Needs scope provision').waitFor();
    await page.context().close();
  });
});
