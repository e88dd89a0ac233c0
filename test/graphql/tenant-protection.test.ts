import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { suspension } from '../../src/provisioning/commands/suspend-tenant.js';
import { beginDueRemovals } from '../../src/provisioning/operations/run/removal.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant } from '../setup/stories.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ config: { identityProvider: identities.provider } });
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

const change = (name: string, tenantId: string, input: object = {}, selection = 'tenant { status }') =>
  mutate(gateway, name, { tenantId, ...input }, selection, { accept: graphqlResponse });
const update = (tenantId: string, input: object) =>
  change('updateTenant', tenantId, input, 'tenant { status isProtected internalNote suspendUntil version }');

async function statusOf(id: string): Promise<string | undefined> {
  return (await gateway.psql<{ status: string }>('SELECT status FROM tenants WHERE id = $1', [id]))[0]
    ?.status;
}

describe('a protected tenant', () => {
  test('is not deleted until the protection is cleared', async () => {
    const { id, slug } = await aTenant().at(gateway);
    expect((await update(id, { isProtected: true })).result.tenant.isProtected).toBe(true);
    const { status, codes, errors } = await change('deleteTenant', slug);
    expect([status, codes, errors[0]?.message]).toEqual([
      409,
      ['CONFLICT'],
      `Tenant ${slug} is protected and can't be deleted: clear isProtected with updateTenant first`,
    ]);
    expect(await statusOf(id)).toBe('active');
    await update(id, { isProtected: false });
    expect((await change('deleteTenant', id)).result.tenant.status).toBe('DELETED');
  });

  test('may be protected from its registration on', async () => {
    const slug = uniqueName('t');
    const input = { name: slug, slug, isProtected: true, internalNote: 'Pays by transfer' };
    const { result } = await mutate(
      gateway,
      'registerTenant',
      input,
      'tenant { id isProtected internalNote }',
    );
    expect(result.tenant).toEqual({
      id: expect.any(String),
      isProtected: true,
      internalNote: 'Pays by transfer',
    });
    expect((await change('deleteTenant', slug)).codes).toEqual(['CONFLICT']);
    expect((await aTenant().at(gateway)).id).toBeDefined();
  });

  test('can be suspended and resumed', async () => {
    const { id } = await aTenant().at(gateway);
    await update(id, { isProtected: true });
    expect((await change('suspendTenant', id, { reason: 'unpaid' })).codes).toEqual([]);
    expect((await change('resumeTenant', id)).codes).toEqual([]);
  });

  test.each([
    [`status = 'deleted'`, 'deleted'],
    [`status = 'purged'`, 'purged'],
  ])('is refused by hand: UPDATE tenants SET %s', async (assignment, verb) => {
    const { id, slug } = await aTenant().at(gateway);
    await update(id, { isProtected: true });
    await expect(gateway.psql(`UPDATE tenants SET ${assignment} WHERE id = $1`, [id])).rejects.toMatchObject({
      code: '23514',
      constraint: 'tenants_protected',
      message: `Tenant ${slug} is protected and can't be ${verb}: clear isProtected with updateTenant first`,
    });
    await gateway.psql(`UPDATE tenants SET is_protected = false, ${assignment} WHERE id = $1`, [id]);
    expect(await statusOf(id)).toBe(verb);
  });

  test('that is deleted is purged by no mutation and no worker; it can be set and cleared in that state', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await change('deleteTenant', id);
    const held = await update(id, { isProtected: true, internalNote: 'Held for the auditors' });
    expect(held.result.tenant).toMatchObject({ status: 'DELETED', isProtected: true });
    const { codes, errors } = await change('purgeTenant', id, { purgeAfter: '2020-01-01T00:00:00Z' });
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `Tenant ${slug} is protected and can't be purged: clear isProtected with updateTenant first`,
    ]);
    await gateway.psql(`UPDATE tenants SET purge_after = now() - interval '1 day' WHERE id = $1`, [id]);
    const context = gateway.app.commandsFor(developer);
    await beginDueRemovals(context);
    expect(await gateway.psql('SELECT FROM operations WHERE tenant_id = $1', [id])).toEqual([]);

    await update(id, { isProtected: false });
    await beginDueRemovals(context);
    const [purge] = await gateway.psql<{ id: string }>('SELECT id FROM operations WHERE tenant_id = $1', [
      id,
    ]);
    await context.runOperation(purge?.id ?? '');
    expect(await statusOf(id)).toBe('purged');
    const [row] = await gateway.psql('SELECT internal_note FROM tenants WHERE id = $1', [id]);
    expect(row).toEqual({ internal_note: null });
  });

  test('whose purge waits for its date is not purged when it is protected meanwhile', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await change('deleteTenant', id);
    await change('purgeTenant', id);
    await update(id, { isProtected: true });
    await gateway.psql(`UPDATE tenants SET purge_after = now() - interval '1 day' WHERE id = $1`, [id]);
    await gateway.psql(`UPDATE operations SET run_after = now() WHERE tenant_id = $1`, [id]);
    const [purge] = await gateway.psql<{ id: string }>('SELECT id FROM operations WHERE tenant_id = $1', [
      id,
    ]);
    await gateway.app.commandsFor(developer).runOperation(purge?.id ?? '');
    const [ended] = await gateway.psql('SELECT status, error FROM operations WHERE tenant_id = $1', [id]);
    expect(ended).toEqual({
      status: 'cancelled',
      error: `Tenant ${slug} is protected and can't be purged: clear isProtected with updateTenant first`,
    });
    expect(await statusOf(id)).toBe('deleted');
  });

  test('of a deleted tenant nothing else can be updated', async () => {
    const { id } = await aTenant().at(gateway);
    await change('deleteTenant', id);
    for (const input of [{}, { name: 'New' }, { isProtected: true, name: 'New' }, { suspendUntil: null }])
      expect((await update(id, input)).codes).toEqual(['TENANT_DELETED']);
  });
});

describe('a note of operators', () => {
  const read = (id: string, key?: string) =>
    gateway.ask(`{ tenant(id: "${id}") { slug internalNote } }`, {}, key === undefined ? {} : { key });

  test('is set, changed and cleared, and has at most 2000 characters without secrets', async () => {
    const { id } = await aTenant().at(gateway);
    expect((await update(id, { internalNote: 'ä'.repeat(2_000) })).codes).toEqual([]);
    for (const internalNote of ['', 'x'.repeat(2_001), 'key trk_abcdefghijklmnop', 'a\u0007'])
      expect((await update(id, { internalNote })).errors[0]?.extensions.fields).toMatchObject([
        { field: 'internalNote' },
      ]);
    expect((await update(id, { internalNote: null })).result.tenant.internalNote).toBeNull();
  });

  test('is shown to keys with registry:read, and to members of the tenant not even as admins', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await update(id, { internalNote: 'Pays late' });
    expect((await read(id, await gateway.createKey('registry:read'))).data.tenant.internalNote).toBe(
      'Pays late',
    );
    for (const role of ['ADMIN', 'MEMBER']) {
      const token = await identities.sign({ sub: uniqueName('sub') });
      const email = `${role.toLowerCase()}@acme.example`;
      const { result } = await mutate(
        gateway,
        'inviteTenantMember',
        { tenantId: id, email, role },
        'invitationToken',
      );
      await mutate(gateway, 'acceptInvitation', { token: result.invitationToken }, 'revision', {
        key: token,
      });
      const { data, errors } = await read(id, token);
      expect(data.tenant).toEqual({ slug, internalNote: null });
      expect(errors).toMatchObject([{ path: ['tenant', 'internalNote'], extensions: { code: 'FORBIDDEN' } }]);
    }
  });

  test('is in the audit log as a hash only', async () => {
    const { id } = await aTenant().at(gateway);
    await update(id, { internalNote: 'Bob pays late' });
    const [entry] = await gateway.psql<{ after: { internal_note: string } }>(
      'SELECT after FROM registry_change WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1',
      [id],
    );
    expect(entry?.after.internal_note).toMatch(/^hash:[0-9a-f]{32}$/);
  });
});

describe('the end of a suspension', () => {
  const soon = () => new Date(Date.now() + 3_600_000).toISOString();
  const facts = 'tenant { status suspendUntil }';

  test('is given with it, changed and cleared while it lasts, and goes with it', async () => {
    const { id } = await aTenant().at(gateway);
    const [first, later] = [soon(), new Date(Date.now() + 7_200_000).toISOString()];
    const suspended = await change('suspendTenant', id, { reason: 'unpaid', suspendUntil: first }, facts);
    expect(suspended.result.tenant).toEqual({ status: 'SUSPENDED', suspendUntil: first });
    expect((await update(id, { suspendUntil: later })).result.tenant.suspendUntil).toBe(later);
    expect((await update(id, { suspendUntil: null })).result.tenant.suspendUntil).toBeNull();
    await update(id, { suspendUntil: later });
    expect((await change('resumeTenant', id, {}, facts)).result.tenant).toEqual({
      status: 'ACTIVE',
      suspendUntil: null,
    });
  });

  test('is checked again for each tenant, because an operation on many may come to one later', async () => {
    const { id } = await aTenant().at(gateway);
    const tenant = await gateway.app.database.prisma.tenant.findUniqueOrThrow({ where: { id } });
    const suspendUntil = new Date(Date.now() - 1);
    expect(() => suspension.decide(tenant, { reason: 'unpaid', suspendUntil })).toThrow(
      'suspendUntil: must be in the future',
    );
  });

  test.each([
    ['the past', new Date(Date.now() - 1_000).toISOString()],
    ['now', new Date().toISOString()],
    ['nothing', null],
  ])('is not %s', async (_, suspendUntil) => {
    const { id } = await aTenant().at(gateway);
    const { errors } = await change('suspendTenant', id, { reason: 'unpaid', suspendUntil });
    expect(errors[0]?.extensions).toMatchObject({
      code: 'VALIDATION_ERROR',
      fields: [{ field: 'suspendUntil' }],
    });
    expect(await statusOf(id)).toBe('active');
  });

  test('needs a suspension', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { codes, errors } = await update(id, { suspendUntil: soon() });
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `Tenant ${slug} is active, so no suspension can end: suspend it with suspendTenant`,
    ]);
  });

  test('is kept for a suspended tenant that is deleted and restored', async () => {
    const { id } = await aTenant().at(gateway);
    const suspendUntil = soon();
    await change('suspendTenant', id, { reason: 'unpaid', suspendUntil });
    expect((await change('deleteTenant', id, {}, facts)).result.tenant).toEqual({
      status: 'DELETED',
      suspendUntil,
    });
    expect((await change('restoreTenant', id, {}, facts)).result.tenant).toEqual({
      status: 'SUSPENDED',
      suspendUntil,
    });
  });

  test.each(['pending', 'provisioning', 'active', 'suspended', 'failed', 'deleted', 'purged'])(
    'by hand in status %s is kept only while suspended, and is no change elsewhere',
    async (status) => {
      const { id } = await aTenant().at(gateway);
      await gateway.psql(`UPDATE tenants SET status = $2 WHERE id = $1`, [id, status]);
      const versionOf = async () =>
        (await gateway.psql<{ version: number }>('SELECT version FROM tenants WHERE id = $1', [id]))[0]
          ?.version ?? 0;
      const before = await versionOf();
      await gateway.psql(`UPDATE tenants SET suspend_until = now() + interval '1 day' WHERE id = $1`, [id]);
      const [row] = await gateway.psql(
        'SELECT suspend_until IS NOT NULL AS kept FROM tenants WHERE id = $1',
        [id],
      );
      expect([row, (await versionOf()) - before]).toEqual(
        status === 'suspended' ? [{ kept: true }, 1] : [{ kept: false }, 0],
      );
    },
  );
});
