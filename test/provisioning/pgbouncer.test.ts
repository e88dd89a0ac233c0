import { describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createDatabase, createRegistryDatabase, uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openPgBouncer } from '../setup/pgbouncer.js';
import { describeWithPgBouncer } from '../setup/with-pgbouncer.js';
import { urlTo } from './support/catalog.js';
import { provision, resolve } from './support/provisioning-calls.js';

/** Provisions a schema and a database through a PgBouncer with its default settings, suspends the tenant and removes it. */
async function liveThrough(poolMode: 'transaction' | 'session', directs: ('registry' | 'services')[]) {
  const registry = await createRegistryDatabase();
  onTestFinished(() => registry.drop());
  const service = await createDatabase();
  onTestFinished(() => service.drop());
  const pooler = await openPgBouncer(urlTo('postgres'), 40, poolMode);
  onTestFinished(() => pooler.close());
  const urls = (url: string) => ({ FINANCE_DB_URL: url, DBTOOLS_DB_URL: url });
  const gateway = await openGateway({
    config: {
      databaseUrl: pooler.urlOf(registry.name),
      databaseDirectUrl: directs.includes('registry') ? registry.url : undefined,
      serviceDatabaseUrls: urls(pooler.urlOf(service.name)),
      serviceDatabaseDirectUrls: directs.includes('services') ? urls(service.url) : {},
    },
  });
  onTestFinished(() => gateway.close());
  const slug = uniqueName('t');
  onTestFinished(async () => {
    await queryOnce(urlTo('postgres'), `DROP DATABASE IF EXISTS dbtools_tenant_${slug} WITH (FORCE)`);
  });
  const { operation } = await provision(gateway, { slug, modules: ['finance', 'dbtools'] });
  const routes = await Promise.all(['finance', 'dbtools'].map((module) => resolve(gateway, slug, module)));
  const suspended = await mutate(gateway, 'suspendTenant', { tenantId: slug, reason: 'x' });
  // Other tests have databases with the same prefix on this server.
  const { findings } = await diagnose(gateway.app.commandsFor(developer), { tenant: slug });
  return {
    slug,
    ended: operation.status,
    error: operation.error ?? '',
    routes,
    suspended: suspended.codes,
    after: await resolve(gateway, slug, 'finance'),
    // The other modules have no database here.
    findings: findings
      .filter(({ module }) => module === 'finance' || module === 'dbtools')
      .map(({ code }) => code),
  };
}

describeWithPgBouncer('registry and service databases behind PgBouncer with its default settings', () => {
  test.each([
    ['transaction', ['registry', 'services']],
    ['session', []],
  ] as const)('in %s mode, with direct URLs for %j', async (poolMode, directs) => {
    const lived = await liveThrough(poolMode, [...directs]);
    expect(lived).toMatchObject({
      error: '',
      ended: 'SUCCEEDED',
      routes: [`schema finance_${lived.slug}`, 'schema public'],
      suspended: [],
      after: 'TENANT_SUSPENDED',
      findings: [],
    });
  });

  describe('in transaction mode without a direct URL', () => {
    test('the start says which variable takes it', async () => {
      await expect(liveThrough('transaction', [])).rejects.toThrow('set DATABASE_DIRECT_URL');
    });

    test('an operation says which variable takes it, and nothing half-made remains', async () => {
      const lived = await liveThrough('transaction', ['registry']);
      expect(lived.ended).toBe('COMPENSATED');
      expect(lived.error).toMatch(/set (FINANCE|DBTOOLS)_DB_DIRECT_URL/);
    });
  });

  test('a direct URL of another service database is refused, and nothing is made there', async () => {
    const [named, other] = [await createDatabase(), await createDatabase()];
    const urls = (url: string) => ({ FINANCE_DB_URL: url, DBTOOLS_DB_URL: url });
    await using gateway = await openGateway({
      config: { serviceDatabaseUrls: urls(named.url), serviceDatabaseDirectUrls: urls(other.url) },
    });
    const { operation } = await provision(gateway, { slug: uniqueName('t'), modules: ['finance'] });
    expect(operation.status).toBe('COMPENSATED');
    expect(operation.error).toContain('FINANCE_DB_DIRECT_URL and FINANCE_DB_URL name different databases');
    const schemas = `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'finance%' OR nspname = 'tenant_guard'`;
    expect(await queryOnce(other.url, schemas)).toEqual([]);
    await Promise.all([named.drop(), other.drop()]);
  });

  test('a direct URL of another database is refused', async () => {
    const [one, other] = [await createRegistryDatabase(), await createRegistryDatabase()];
    const opened = openGateway({ config: { databaseUrl: one.url, databaseDirectUrl: other.url } });
    await expect(opened).rejects.toThrow('name different databases');
    await Promise.all([one.drop(), other.drop()]);
  });
});
