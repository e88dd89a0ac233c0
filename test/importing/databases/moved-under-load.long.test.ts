import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { ImportReport } from '../../../src/importing/databases/database-import.js';
import { aDatabase, queryOnce } from '../../database/support/temporary-databases.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { sizeOf } from '../../setup/size.js';
import { aClientsFolder, importClients, writeClient } from '../support/client-story.js';
import { legacySchema, revisionOf, takeOver } from '../support/legacy-story.js';
import { finish, follow } from '../support/move-story.js';
import { goTables, outcomesOf, provisioningTable, pythonTables } from '../support/platform-story.js';

const modules = ['operations', 'finance', 'inventory', 'dbtools'];
const uuid = (number: number) => `0198f000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
/** How long the load runs before the move is finished, in milliseconds. */
const loadMs = sizeOf({ usual: 15_000, full: 120_000 });

/** Four tenants of the table, two of which have a file as well, 50 with a file alone, and 63 folders of test tenants. */
const inTable = ['africastay', 'baobab', 'SafariRun', 'oldcamp'];
/** Those with a file as well. */
const withFile = ['africastay', 'baobab'];
const slugOf = (id: string) => id.toLowerCase();

async function buildPlatforms(gateway: TestGateway) {
  const python = await aDatabase();
  await python.query(`${pythonTables}
    INSERT INTO tenants (id, name, short_name, plan, timezone, currency, max_users, tenant_config, config_source) SELECT id, 'Name of ' || id, 'Short', 'pro',
      'Africa/Nairobi', 'KES', 10, '{"email": {"smtp": {"password": "Zx9#kQ2!vv81"}}}', 'database' FROM unnest('{${inTable.join()}}'::text[]) AS id;
    INSERT INTO tenant_settings (tenant_id, company_name, website, support_phone) SELECT id, 'Old Ltd', 'https://a.example', '+27 21 555 0100' FROM tenants;
    INSERT INTO tenant_branding (tenant_id, color_primary, color_secondary) SELECT id, '#111111', '#999999' FROM tenants;
    INSERT INTO organization_users (tenant_id, auth_user_id, email, name, role) SELECT id, gen_random_uuid(), 'user' || n || '@' || lower(id) || '.example', 'User', 'admin'
      FROM tenants, generate_series(1, 5) AS n;
    INSERT INTO user_invitations (tenant_id, email, expires_at) SELECT id, 'new@' || lower(id) || '.example', now() + interval '5 days' FROM tenants`);
  const clients = await aClientsFolder();
  const yaml = (id: string) =>
    `client: { name: File of ${id} }\nemail: { primary: hello@${id}.example, smtp: { password: "Qw8!zzR${id}4#" } }\n`;
  const fileOnly = numbers(50).map((number) => `agency-${number}`);
  for (const id of [...fileOnly, ...withFile, ...numbers(63).map((number) => `tn_${number}a_x`)])
    await writeClient(clients, id, yaml(id));
  const go = numbers(12).map((number) => ({
    id: uuid(100 + number),
    slug: `goat-${number}`,
    finance: `finance_goat_${number}`,
  }));
  await gateway.psqlIn('finance', goTables(go) + go.map(({ finance }) => legacySchema(finance)).join(''));
  const shops = numbers(8).map((number) => ({ id: uuid(200 + number), slug: `shop-${number}` }));
  await gateway.psqlIn('dbtools', provisioningTable(shops));
  return { python, clients, yaml, fileOnly, go, shops };
}

/** The fields that the Python platform and the registry both have: SQL of either side. */
const fields: Readonly<Record<string, [old: string, registry: string]>> = {
  name: ['t.name', 't.name'],
  shortName: ['t.short_name', 't.short_name'],
  plan: ['upper(t.plan)', 'upper(t.plan::text)'],
  timezone: ['t.timezone', 't.timezone'],
  currency: ['t.currency', 't.currency'],
  maxUsers: ['t.max_users::text', 't.max_users::text'],
  'settings.companyName': ['s.company_name', 's.company_name'],
  'settings.website': ['s.website', 's.website'],
  'settings.supportPhone': ['s.support_phone', 's.support_phone'],
  'branding.primaryColor': ['b.color_primary', 'b.primary_color'],
  'branding.secondaryColor': ['b.color_secondary', 'b.secondary_color'],
};

/** Edits of the registry's own services, in fields that no service of the old platforms writes meanwhile. */
const ownEdits: {
  path: string;
  writes: [mutation: string, field: string];
  value: (turn: number) => unknown;
}[] = [
  { path: 'shortName', writes: ['updateTenant', 'shortName'], value: (turn) => `Own ${turn}` },
  {
    path: 'timezone',
    writes: ['updateTenant', 'timezone'],
    value: (turn) => (turn % 2 ? 'Africa/Cairo' : 'Africa/Lagos'),
  },
  { path: 'maxUsers', writes: ['updateTenant', 'maxUsers'], value: (turn) => 1000 + turn },
  {
    path: 'settings.companyName',
    writes: ['updateTenantSettings', 'companyName'],
    value: (turn) => `Own Ltd ${turn}`,
  },
  {
    path: 'settings.supportPhone',
    writes: ['updateTenantSettings', 'supportPhone'],
    value: (turn) => `+27 21 555 ${String(turn).padStart(4, '0')}`,
  },
  {
    path: 'branding.secondaryColor',
    writes: ['updateTenantBranding', 'secondaryColor'],
    value: (turn) => `#a${String(turn).padStart(5, '0')}`,
  },
];

/** Writers and readers that go on until they are stopped, with the last value that each has committed. */
function openLoad(gateway: TestGateway) {
  const state = { stops: false, errors: [] as string[], writes: 0, reads: 0 };
  const old = new Map<string, string>();
  const own = new Map<string, string>();
  const running: Promise<void>[] = [];
  const loop = (step: (turn: number) => Promise<boolean | undefined>) => {
    running.push(
      (async () => {
        for (let turn = 0; !state.stops; turn++) {
          // A writer of old tables ends when they were renamed.
          if ((await step(turn)) === false) return;
          await delay(20);
        }
      })().catch((error) => void state.errors.push(String(error))),
    );
  };
  /** A service with its own connection to an old database. */
  const writeOld = (
    url: string,
    targets: { key: string; sql: string; value: (turn: number) => string }[],
  ) => {
    const client = new pg.Client({ connectionString: url });
    // Its database is dropped when the test fails.
    client.on('error', () => undefined);
    const opened = client.connect();
    onTestFinished(() => client.end());
    loop(async (turn) => {
      await opened;
      const target = targets[turn % targets.length];
      if (!target) return false;
      const value = target.value(turn);
      try {
        await client.query(target.sql, [value]);
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === '42P01') return false;
        throw error;
      }
      old.set(target.key, value);
      state.writes++;
      return true;
    });
  };
  const ask = async (query: string, variables: Record<string, unknown>) => {
    const { errors, data } = await gateway.ask(query, variables);
    if (errors.length > 0) state.errors.push(JSON.stringify(errors));
    return data;
  };
  return { state, old, own, loop, writeOld, ask, end: () => Promise.all(running) };
}

test('three platforms are moved while services of all kinds go on: no error, no lost edit, and a second run changes nothing', {
  timeout: 1_200_000,
}, async () => {
  await using gateway = await openGateway();
  const { python, clients, yaml, fileOnly, go, shops } = await buildPlatforms(gateway);
  const options = { from: python.url, clients, modules, prefer: 'table' as const };

  // The first run, and the tenants that only have a file.
  const first = await takeOver(gateway, { ...options, keepsTables: true });
  expect(outcomesOf(first).filter((one) => !one.endsWith(': create'))).toEqual([]);
  const files = await importClients(gateway, clients);
  expect(
    files.clients
      .filter(({ action }) => action === 'create')
      .map(({ id }) => id)
      .sort(),
  ).toEqual(fileOnly.toSorted());
  expect(await gateway.psql(`SELECT FROM tenants`)).toHaveLength(4 + 50 + 12 + 8);

  // From this run on, an edit of a file has a side.
  const second = await takeOver(gateway, { ...options, keepsTables: true });
  expect(outcomesOf(second).filter((one) => !one.endsWith(': unchanged'))).toEqual([]);

  const load = openLoad(gateway);
  const { old, own, state } = load;
  const moved = inTable.map(slugOf);
  load.writeOld(
    python.url,
    inTable.flatMap((id) => [
      {
        key: `${slugOf(id)}.name`,
        sql: `UPDATE tenants SET name = $1 WHERE id = '${id}'`,
        value: (turn: number) => `Name ${turn}`,
      },
      {
        key: `${slugOf(id)}.settings.website`,
        sql: `UPDATE tenant_settings SET website = $1 WHERE tenant_id = '${id}'`,
        value: (turn: number) => `https://w${turn}.example`,
      },
      {
        key: `${slugOf(id)}.branding.primaryColor`,
        sql: `UPDATE tenant_branding SET color_primary = $1 WHERE tenant_id = '${id}'`,
        value: (turn: number) => `#${String(turn).padStart(6, '0')}`,
      },
      {
        key: `${slugOf(id)}.person`,
        sql: `UPDATE organization_users SET name = $1 WHERE email = 'user1@${slugOf(id)}.example'`,
        value: (turn: number) => `Person ${turn}`,
      },
    ]),
  );
  load.writeOld(
    gateway.serviceUrl('finance'),
    go.map(({ id, slug }) => ({
      key: `${slug}.name`,
      sql: `UPDATE tenant_registry SET tenant_name = $1 WHERE tenant_id = '${id}'`,
      value: (turn: number) => `Go ${turn}`,
    })),
  );
  load.writeOld(
    gateway.serviceUrl('dbtools'),
    shops.map(({ id, slug }) => ({
      key: `${slug}.name`,
      sql: `UPDATE tenants SET name = $1 WHERE id = '${id}'`,
      value: (turn: number) => `Shop ${turn}`,
    })),
  );
  // A new tenant of the platform now and then, and files that change.
  const late: string[] = [];
  const newcomers = new pg.Client({ connectionString: python.url });
  newcomers.on('error', () => undefined);
  await newcomers.connect();
  onTestFinished(() => newcomers.end());
  load.loop(async (turn) => {
    await delay(400);
    const id = `late-${turn}`;
    try {
      await newcomers.query(`INSERT INTO tenants (id, name) VALUES ($1, $1)`, [id]);
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '42P01') return false;
      throw error;
    }
    late.push(id);
    return true;
  });
  const fileOf = fileOnly.slice(0, 3);
  load.loop(async (turn) => {
    await delay(300);
    const id = fileOf[turn % 3] ?? '';
    await writeClient(clients, id, yaml(id).replace(`File of ${id}`, `File ${turn}`));
    old.set(`${id}.name`, `File ${turn}`);
    return true;
  });
  // The registry's own services: edits by GraphQL, and reads by GraphQL and REST.
  const known = [...moved, ...go.map(({ slug }) => slug)];
  load.loop(async (turn) => {
    const slug = known[turn % known.length] ?? '';
    const edit = ownEdits[Math.floor(turn / known.length) % ownEdits.length];
    if (!edit) return false;
    const value = edit.value(turn);
    const [mutation, field] = edit.writes;
    const input = { tenantId: slug, [field]: value };
    await load.ask(
      `mutation ($input: ${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input!) { ${mutation}(input: $input) { revision } }`,
      { input },
    );
    own.set(`${slug}.${edit.path}`, String(value));
    return true;
  });
  load.loop(async (turn) => {
    const slug = known[turn % known.length] ?? '';
    const data = await load.ask('query ($id: ID!) { tenant(id: $id) { slug status } }', { id: slug });
    if (data?.tenant?.status !== 'ACTIVE') state.errors.push(`${slug} is ${data?.tenant?.status}`);
    state.reads++;
    return true;
  });
  load.loop(async (turn) => {
    const slug = known[turn % known.length] ?? '';
    const answer = await fetch(new URL(`/api/tenants/${slug}`, gateway.url));
    if (answer.status !== 200) state.errors.push(`REST ${slug}: ${answer.status}`);
    await answer.body?.cancel();
    state.reads++;
    return true;
  });

  const follower = follow(gateway, { ...options, prefer: undefined });
  onTestFinished(() => void follower.stop());
  await delay(loadMs);
  const finished = await finish(gateway, { ...options, prefer: undefined });
  expect(finished.reasons).toEqual([]);
  expect(finished.tables.map(({ table }) => table).sort()).toEqual(
    [
      ...['organization_users', 'tenant_branding', 'tenant_module_log', 'tenant_registry', 'tenant_settings'],
      ...['tenants', 'tenants', 'user_invitations'],
    ].map((name) => `public.${name}`),
  );
  expect(await follower.ended).toBe('finished');
  state.stops = true;
  await load.end();

  // The files are still followed, by another run.
  await takeOver(gateway, { ...options, prefer: undefined, keepsTables: true });
  expect({ errors: state.errors, failures: follower.failures }).toEqual({ errors: [], failures: [] });
  expect(state.writes).toBeGreaterThan(100);
  expect(state.reads).toBeGreaterThan(100);
  const lost = await findLost(gateway, new Map([...old, ...own]));
  expect(lost).toEqual([]);
  const slugs = await gateway.psql<{ slug: string }>(`SELECT slug FROM tenants WHERE slug LIKE 'late-%'`);
  expect(slugs.map(({ slug }) => slug).sort()).toEqual(late.toSorted());

  const revision = await revisionOf(gateway);
  const again = await finish(gateway, { ...options, prefer: undefined });
  expect([again.done, again.reasons, again.tables]).toEqual([true, [], []]);
  expect(outcomesOf(again.report).filter((one) => !one.endsWith(': unchanged'))).toEqual([]);
  expect(await revisionOf(gateway)).toBe(revision);
  const differing = await findDiffering(gateway, python);
  // Each field was edited in the registry for some tenant, and files have other names than the table.
  expect(new Set(differing.map((one) => one.replace(/^[^.]*\./, '')))).toEqual(
    new Set(['name', ...ownEdits.map(({ path }) => path)]),
  );
  expect(explainedOf(again.report, moved)).toEqual(differing);
  expect(
    JSON.stringify([first, again.report, await gateway.psql('SELECT tenant_config FROM tenants')]),
  ).not.toContain('Zx9#kQ2');
});

/** The edits that the registry does not have. */
async function findLost(gateway: TestGateway, last: ReadonlyMap<string, string>): Promise<string[]> {
  const found = new Map(
    (await readRegistry(gateway)).map(({ slug, person, values }) => [slug, { ...values, person }]),
  );
  return [...last].flatMap(([key, value]) => {
    const [, slug = '', path = ''] = /^([^.]*)\.(.*)$/.exec(key) ?? [];
    const now = (found.get(slug) as Record<string, string | null> | undefined)?.[path];
    return now === value ? [] : [`${key} is ${now} instead of ${value}`];
  });
}

type Values = Record<string, string | null>;

const valuesSql = (side: 0 | 1) =>
  `json_build_object(${Object.entries(fields)
    .map(([path, sql]) => `'${path}', ${sql[side]}`)
    .join()})`;

function readRegistry(gateway: TestGateway) {
  return gateway.psql<{ slug: string; person: string; values: Values }>(
    `SELECT slug, ${valuesSql(1)} AS values,
       (SELECT full_name FROM members WHERE tenant_id = t.id AND email LIKE 'user1@%') AS person
     FROM tenants AS t JOIN tenant_settings AS s ON s.tenant_id = t.id JOIN tenant_branding AS b ON b.tenant_id = t.id`,
  );
}

/** "slug.path" of each field in which the old tables or the files say something else than the registry. */
async function findDiffering(gateway: TestGateway, python: { url: string }): Promise<string[]> {
  const old = await queryOnce<{ id: string; values: Values }>(
    python.url,
    `SELECT t.id, ${valuesSql(0)} AS values FROM tenants_before_registry AS t
       LEFT JOIN tenant_settings_before_registry AS s ON s.tenant_id = t.id LEFT JOIN tenant_branding_before_registry AS b ON b.tenant_id = t.id
     WHERE t.id NOT LIKE 'late-%'`,
  );
  const registry = new Map((await readRegistry(gateway)).map(({ slug, values }) => [slug, values]));
  const files = withFile.map((id) => ({ id, values: { name: `File of ${id}` } as Values }));
  const differing = [...old, ...files].flatMap(({ id, values }) =>
    Object.keys(fields)
      .filter((path) => values[path] != null && values[path] !== registry.get(slugOf(id))?.[path])
      .map((path) => `${slugOf(id)}.${path}`),
  );
  return [...new Set(differing)].sort();
}

/** The same by the report, which gives a reason for each. */
function explainedOf({ tenants }: ImportReport, slugs: readonly string[]): string[] {
  return tenants
    .filter(({ slug }) => slugs.includes(slug ?? ''))
    .flatMap(({ slug, differences }) =>
      differences.filter(({ why }) => why !== '').map(({ path }) => `${slug}.${path}`),
    )
    .filter((one) => one.replace(/^[^.]*\./, '') in fields)
    .sort();
}
