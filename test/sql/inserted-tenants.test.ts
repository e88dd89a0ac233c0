import { afterAll, beforeAll, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

async function insert(statements: (slug: string) => string): Promise<string> {
  const slug = uniqueName('t');
  await gateway.psql(`BEGIN; ${statements(slug)}; COMMIT`);
  return slug;
}

const tenant = (slug: string) =>
  `INSERT INTO tenants (slug, name, primary_email, currency) VALUES ('${slug}', 'By Hand', 'hand@acme.example', 'EUR')`;
const ownSettings = (slug: string) =>
  `INSERT INTO tenant_settings (tenant_id, company_name) SELECT id, 'Their Own' FROM tenants WHERE slug = '${slug}'`;

test.each([
  ['alone', tenant, 'By Hand', 'hand@acme.example', 'EUR'],
  [
    'with settings of their own',
    (slug: string) => `${tenant(slug)}; ${ownSettings(slug)}`,
    'Their Own',
    null,
    'ZAR',
  ],
])(
  'a tenant that was inserted %s has settings and branding',
  async (_how, statements, companyName, supportEmail, currency) => {
    const slug = await insert(statements);
    const { data } = await gateway.ask(
      'query ($id: ID!) { tenant(id: $id) { settings { companyName supportEmail currency } branding { primaryColor } } }',
      { id: slug },
    );
    expect(data.tenant).toEqual({
      settings: { companyName, supportEmail, currency },
      branding: { primaryColor: null },
    });
    for (const [name, change] of [
      ['updateTenantSettings', { website: 'https://acme.example' }],
      ['updateTenantBranding', { primaryColor: '#112233' }],
    ] as const)
      expect((await mutate(gateway, name, { tenantId: slug, ...change })).codes).toEqual([]);
  },
);
