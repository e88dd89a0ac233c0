import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parse, visit } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenant-registry-test-screens-'));
  for (const [name, text] of [
    ['tenant-1', 'client: [wrong'],
    ['tenant-2', 'client: {}'],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'client.yaml'), text);
  }
  identities = await openIdentityProvider();
  gateway = await openGateway({
    authMode: 'required',
    config: { identityProvider: identities.provider, clientsDir: folder },
  });
  await addTenants(1, 2);
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

async function addTenants(from: number, to: number): Promise<void> {
  await gateway.psql(`
    INSERT INTO tenants (id, slug, name, status, plan, internal_note, tenant_config)
      SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant-' || n, 'Tenant ' || n, 'active',
        CASE n % 2 WHEN 0 THEN 'pro' ELSE 'lite' END::plan, 'A note', jsonb_build_object('email', jsonb_build_object('primary', 'a@example.com'))
      FROM generate_series(${from}, ${to}) AS n;
    INSERT INTO tenant_settings (tenant_id, company_name) SELECT id, name FROM tenants ON CONFLICT DO NOTHING;
    INSERT INTO tenant_branding (tenant_id) SELECT id FROM tenants ON CONFLICT DO NOTHING;
    INSERT INTO members (tenant_id, email, subject, status, role)
      SELECT id, n || '@example.com', CASE n WHEN 1 THEN 'ada' WHEN 2 THEN 'bob' END, CASE WHEN n < 3 THEN 'active' ELSE 'invited' END::member_status,
        CASE n WHEN 1 THEN 'admin' ELSE 'member' END::member_role
      FROM tenants, generate_series(1, 4) AS n ON CONFLICT DO NOTHING;
    INSERT INTO members (tenant_id, email, subject, status) SELECT id, 'eve@example.com', 'eve', 'active' FROM tenants WHERE slug = 'tenant-2'
      ON CONFLICT DO NOTHING;
    INSERT INTO invitations (tenant_id, member_id, token_hash, expires_at, accepted_at)
      SELECT tenant_id, id, sha256(id::text::bytea), now() + interval '1 day', CASE status WHEN 'active' THEN now() END
      FROM members ON CONFLICT DO NOTHING;
    INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT tenants.id, modules.name, CASE modules.name WHEN 'inventory' THEN 'failed' ELSE 'active' END::subscription_status
      FROM tenants CROSS JOIN modules ON CONFLICT DO NOTHING;
    INSERT INTO operations (kind, tenant_id, actor, status, finished_at)
      SELECT 'subscribe_tenant', id, 'somebody', wanted::operation_status, CASE wanted WHEN 'succeeded' THEN now() END
      FROM tenants, unnest('{succeeded,running,needs_attention}'::text[]) AS wanted
      WHERE slug = ANY (SELECT 'tenant-' || n FROM generate_series(${from}, ${to}) AS n);
    INSERT INTO operation_steps (operation_id, position, name, module)
      SELECT id, position, 'create_schema', module FROM operations, (VALUES (0, 'finance'), (1, 'inventory')) AS steps (position, module)
      WHERE tenant_id IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO operations (id, kind, actor, input, status, tenants_total, tenants_succeeded, tenants_failed, tenants_cancelled)
      VALUES ('${idOf(1000)}', 'suspend_tenants', 'somebody', '{}', 'running', 4, 0, 0, 0) ON CONFLICT DO NOTHING;
    INSERT INTO operation_tenants (operation_id, position, reference, tenant_id, status, child_id, created_at)
      SELECT '${idOf(1000)}', row_number() OVER () + ${from}, slug, id, 'running', (SELECT id FROM operations WHERE tenant_id = tenants.id LIMIT 1), now()
      FROM tenants WHERE slug = ANY (SELECT 'tenant-' || n FROM generate_series(${from}, ${to}) AS n);
    INSERT INTO rollouts (id, module, status, target_version, files, lock_timeout_ms, statement_timeout_ms, created_by)
      VALUES ('${idOf(2000)}', 'finance', 'running', 'finance/0003.sql', '[{"name": "finance/0003.sql", "checksum": "x"}]', 1000, 1000, 'somebody')
      ON CONFLICT DO NOTHING;
    INSERT INTO rollouts (module, status, finished_at, target_version, files, lock_timeout_ms, statement_timeout_ms, created_by)
      SELECT 'finance', 'succeeded', now(), 'finance/0002.sql', '[]', 1000, 1000, 'somebody' FROM generate_series(${from}, ${to});
    INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, status, generation, violations)
      SELECT '${idOf(2000)}', id, 0, 'failed', 1, '[{"id": 1}]' FROM tenants ON CONFLICT DO NOTHING;
    INSERT INTO drift_findings (id, code, severity, problem, remedy, content, tenant_id)
      SELECT gen_random_uuid(), 'STRUCTURE_MISSING', 'error', 'A problem', 'A remedy', 'x', id FROM tenants
      WHERE slug = ANY (SELECT 'tenant-' || n FROM generate_series(${from}, ${to}) AS n);
    INSERT INTO tenant_usage (tenant_id, metric, period, recorded) SELECT id, 'storage_gb', '1970-01-01', 0.5 FROM tenants
      ON CONFLICT DO NOTHING;
  `);
}

const admin = join(import.meta.dirname, '../../src/admin');

/** The document with which the admin page opens a screen. */
function documentOf(screen: string): string {
  const files = readdirSync(admin, { recursive: true, encoding: 'utf8' });
  const [file, ...others] = files.filter((name) => basename(name) === `${screen}.graphql`);
  if (!file || others.length > 0) throw new Error(`screen ${screen} has no document of its own`);
  return readFileSync(join(admin, file), 'utf8');
}

/** What each role presents. */
const roles = {
  administrator: () => aKey('registry:read', 'registry:write', 'provision', 'audit:read', 'keys:manage'),
  'owner of the platform': () =>
    identities.sign({ sub: 'owner', scope: 'registry:read registry:write provision audit:read keys:manage' }),
  operator: () => aKey('registry:read', 'registry:write', 'provision', 'audit:read'),
  reader: () => aKey('registry:read'),
  auditor: () => aKey('audit:read'),
  service: () => aKey('resolve:finance'),
  'admin of the tenant': () => identities.sign({ sub: 'ada' }),
  'member of the tenant': () => identities.sign({ sub: 'bob' }),
  'member of another tenant': () => identities.sign({ sub: 'eve' }),
};

type Role = keyof typeof roles;
const keys = new Map<string, string>();

async function aKey(...scopes: string[]): Promise<string> {
  const key = keys.get(scopes.join()) ?? (await gateway.createKey(...scopes));
  keys.set(scopes.join(), key);
  return key;
}

/** Whole, or the fields that the role goes without, or the code of the refusal. */
type Answer = 'whole' | readonly string[] | 'FORBIDDEN' | 'TENANT_MISMATCH';

const noKeys = ['apiKeys'];
const ofRegistry = {
  ...{ administrator: 'whole', 'owner of the platform': 'whole', operator: 'whole', reader: 'whole' },
  ...{ auditor: 'FORBIDDEN', service: 'FORBIDDEN', 'admin of the tenant': 'FORBIDDEN' },
  ...{ 'member of the tenant': 'FORBIDDEN', 'member of another tenant': 'FORBIDDEN' },
} as const satisfies Record<Role, Answer>;
const ofTenant = {
  ...ofRegistry,
  ...{ 'admin of the tenant': 'whole', 'member of the tenant': 'whole' },
  'member of another tenant': 'TENANT_MISMATCH',
} as const satisfies Record<Role, Answer>;
const ofMembers = (fields: readonly string[]) => ({
  'admin of the tenant': fields,
  'member of the tenant': fields,
});

/** Each screen with its variables, and the answer that each role gets. The document has the operation. */
const screens: Record<string, { variables?: Record<string, unknown>; answers: Record<Role, Answer> }> = {
  overview: { answers: { ...ofRegistry, operator: noKeys, reader: noKeys } },
  tenants: { variables: { orderBy: { field: 'CREATED_AT' } }, answers: ofRegistry },
  tenant: {
    variables: { id: 'tenant-1' },
    answers: { ...ofTenant, ...ofMembers(['internalNote']) },
  },
  operations: { variables: { filter: { tenant: 'tenant-1' } }, answers: ofRegistry },
  operation: { variables: { id: idOf(1000) }, answers: ofRegistry },
  modules: { answers: ofRegistry },
  audit: { answers: { ...ofRegistry, reader: 'FORBIDDEN', auditor: 'whole' } },
  keys: { answers: { ...ofRegistry, operator: 'FORBIDDEN', reader: 'FORBIDDEN' } },
  members: { variables: { id: 'tenant-1' }, answers: ofTenant },
  rollouts: { answers: ofRegistry },
  rollout: { variables: { id: idOf(2000), filter: { status: ['QUEUED', 'FAILED'] } }, answers: ofRegistry },
  drift: { answers: ofRegistry },
};

const cells = Object.entries(screens).flatMap(([screen, { variables = {}, answers }]) =>
  Object.entries(answers).map(([role, answer]) => ({ screen, role: role as Role, variables, answer })),
);

/** The fields that a document asks for only if the caller may read them, with the variable of each. */
function optionalFields(document: string): Map<string, string> {
  const fields = new Map<string, string>();
  visit(parse(document), {
    Field(field) {
      const [argument] = field.directives?.find(({ name }) => name.value === 'include')?.arguments ?? [];
      if (argument?.value.kind === 'Variable') fields.set(field.name.value, argument.value.name.value);
    },
  });
  return fields;
}

/** The action that `viewer.may` has to name for each variable of these. */
const actions: Record<string, string> = {
  registry: 'readRegistry',
  apiKeys: 'listApiKeys',
};

/** The look-up of a key or of the memberships of a token. */
const authentication = /WITH ORDINALITY AS wanted \((?:hash|subject), place\)/;

/** Asks for a screen as its page does: with what the caller may read. */
async function openScreen(screen: string, role: Role, given: Record<string, unknown>) {
  const key = await roles[role]();
  const { data } = await gateway.ask('{ viewer { may } }', {}, { key });
  const document = documentOf(screen);
  const allowed = [...optionalFields(document).values()].flatMap((variable) =>
    actions[variable] ? [[variable, data.viewer.may.includes(actions[variable])]] : [],
  );
  const variables = { ...given, ...Object.fromEntries(allowed) };
  // No cache has the configuration.
  if (given.id === 'tenant-1')
    await gateway.psql(`UPDATE tenants SET gcp_dataset = gen_random_uuid() WHERE slug = 'tenant-1'`);
  let answer: Awaited<ReturnType<typeof gateway.ask>> | undefined;
  const statements = (
    await recordStatements(async () => {
      answer = await gateway.ask(document, variables, { key });
    })
  )
    // Several statements can be one message.
    .flatMap((text) => text.split(';\n'))
    .filter((text) => !authentication.test(text));
  const { data: shown, codes = [], errors } = answer ?? {};
  return { shown, codes, errors, statements };
}

/** Each cell with the numbers of its statements, for the registry with few and with many tenants. */
const counts = new Map<string, number[]>();

describe.each([2, 20])('in a registry with %d tenants', (tenants) => {
  beforeAll(async () => {
    if (tenants > 2) await addTenants(3, tenants);
  });

  test.each(cells)('screen "$screen" for the $role', async ({ screen, role, variables, answer }) => {
    const { shown, codes, errors, statements } = await openScreen(screen, role, variables);
    if (typeof answer === 'string' && answer !== 'whole') {
      expect([Object(shown).tenant ?? null, new Set(codes)]).toEqual([null, new Set([answer])]);
    } else {
      expect(errors).toEqual([]);
      const text = JSON.stringify(shown);
      const missing = [...optionalFields(documentOf(screen)).keys()].filter(
        (field) => !text.includes(`"${field}":`),
      );
      expect(missing).toEqual(answer === 'whole' ? [] : answer);
      expect(hollow(shown)).toEqual([]);
    }
    expect(statements.length, statements.join('\n\n')).toBeLessThanOrEqual(3);
    const cell = `${screen} ${role}`;
    counts.set(cell, [...(counts.get(cell) ?? []), statements.length]);
  });
});

/** The lists at the first levels of an answer that have no entry: a screen that shows nothing proves nothing. */
function hollow(shown: unknown, path = ''): string[] {
  if (typeof shown !== 'object' || shown === null || path.split('.').length > 4) return [];
  if (Array.isArray(shown)) return shown.length === 0 ? [path] : hollow(shown[0], `${path}.0`);
  return Object.entries(shown).flatMap(([name, value]) => hollow(value, `${path}.${name}`));
}

test('a screen takes as many statements for 20 tenants as for 2', () => {
  expect(counts.size).toBe(cells.length);
  const differing = [...counts].filter(([, [few, many]]) => few !== many);
  expect(differing).toEqual([]);
});

test.each(cells.filter(({ answer }) => Array.isArray(answer)))(
  'the $role who asks for all of screen "$screen" is refused what it goes without',
  async ({ screen, role, variables }) => {
    const key = await roles[role]();
    const { codes } = await gateway.ask(documentOf(screen), variables, { key });
    expect(new Set(codes)).toEqual(new Set(['FORBIDDEN']));
  },
);

const since = '2026-01-01T00:00:00Z';
const until = '2126-01-01T00:00:00Z';

describe('with filters', () => {
  test.each<[screen: string, variables: Record<string, unknown>, statements: number]>([
    ['tenants', { filter: { status: ['ACTIVE'], plan: ['PRO'], module: 'finance' } }, 3],
    ['tenants', { filter: { text: 'Tenant 1' }, orderBy: { field: 'UPDATED_AT', direction: 'DESC' } }, 3],
    [
      'tenants',
      { filter: { memberEmail: '3@example.com', configSource: 'DATABASE', needsAttention: true } },
      3,
    ],
    ['tenants', { filter: { createdFrom: since, createdUntil: until }, last: 5 }, 3],
    [
      'tenants',
      { filter: { modules: [{ module: 'finance' }, { module: 'inventory', statuses: ['FAILED'] }] } },
      4,
    ],
    [
      'operations',
      {
        filter: {
          status: ['RUNNING', 'NEEDS_ATTENTION'],
          kind: ['SUBSCRIBE_TENANT'],
          module: 'finance',
          since,
        },
      },
      2,
    ],
    ['operations', { filter: { tenant: 'tenant-3', needsAttention: true }, last: 5 }, 3],
    ['audit', { filter: { kindText: ['tenant.'], since, until } }, 3],
    ['audit', { tenantId: 'tenant-3', filter: { kindText: ['tenant.'], since, until } }, 3],
    ['audit', { filter: { actor: 'role:postgres', kind: ['TENANT_REGISTERED'] } }, 1],
  ])('screen "%s" of %j takes %d statements', async (screen, variables, expected) => {
    const { shown, errors, statements } = await openScreen(screen, 'administrator', variables);
    expect(errors).toEqual([]);
    expect(hollow(shown)).toEqual([]);
    expect(statements.length, statements.join('\n\n')).toBe(expected);
  });

  test('screen "audit" takes 3 statements for its second page, too', async () => {
    const variables = {
      tenantId: 'tenant-3',
      filter: { kindText: ['tenant.', 'member.'], since, until },
      first: 2,
    };
    const { shown } = await openScreen('audit', 'auditor', variables);
    const after = Object(shown).auditLog.pageInfo.endCursor;
    const next = await openScreen('audit', 'auditor', { ...variables, after });
    expect([next.errors, hollow(next.shown)]).toEqual([[], []]);
    expect(next.statements.length, next.statements.join('\n\n')).toBe(3);
  });
});
