import { developer } from '../../src/auth/caller.js';
import { importTenant } from '../../src/profile/commands/import-tenant.js';
import { registerTenant } from '../../src/profile/commands/register-tenant.js';
import { adoptStorage } from '../../src/provisioning/commands/adopt-storage.js';
import { deleteTenant } from '../../src/provisioning/commands/delete-tenant.js';
import { provisionTenant } from '../../src/provisioning/commands/provision-tenant.js';
import { purgeTenant } from '../../src/provisioning/commands/purge-tenant.js';
import { resumeTenant } from '../../src/provisioning/commands/resume-tenant.js';
import { subscribeTenantToModule } from '../../src/provisioning/commands/subscribe-tenant-to-module.js';
import { suspendTenant } from '../../src/provisioning/commands/suspend-tenant.js';
import { unsubscribeTenantFromModule } from '../../src/provisioning/commands/unsubscribe-tenant-from-module.js';
import { endSuspensions } from '../../src/provisioning/suspension-end.js';
import type { CommandContext } from '../../src/registry/command.js';
import { modules, type ProvisioningEnvironment, query, queryOnce } from './provisioning-environment.js';
import { urlTo } from './tenant-state.js';

type Isolation = keyof typeof modules;

/** A command on a tenant that is interrupted, and the state to arrange before it. */
export interface Scenario {
  name: string;
  isolation: Isolation;
  /** Modules whose routes are checked all the time. */
  watched: readonly string[];
  arrange(environment: ProvisioningEnvironment, slug: string): Promise<void>;
  /** The product's command; undefined means the worker's removal of due data. */
  command: keyof typeof commands | undefined;
  input(slug: string): object;
  /** Whether its storage exists before the registry knows it. */
  isFound?: boolean;
}

/** Commands by name, so that a request to another process can name them. */
export const commands = {
  adoptStorage,
  provisionTenant,
  subscribeTenantToModule,
  suspendTenant,
  resumeTenant,
  purgeTenant,
  registerTenant,
  importTenant,
  endSuspensions,
} satisfies Record<string, (context: CommandContext, input: unknown) => Promise<unknown>>;

const profileOf = (_slug: string) => ({
  adminEmail: 'admin@example.com',
  adminFullName: 'Ada',
  settings: { companyName: 'Acme', website: 'https://acme.example' },
  branding: { primaryColor: '#C8102E' },
  config: { infrastructure: { openai: { api_key: `\${OPENAI_API_KEY}` } } },
});

/** Registers a tenant with its whole profile and its first admin. */
const onboard: Scenario = {
  name: 'onboard',
  isolation: 'SCHEMA',
  watched: [],
  command: 'registerTenant',
  input: (slug) => ({ name: slug, slug, idempotencyKey: slug, ...profileOf(slug) }),
  arrange: async () => undefined,
};

/** Imports a client.yaml over a tenant that the registry has already. */
const reimport: Scenario = {
  name: 'import',
  isolation: 'SCHEMA',
  watched: [],
  command: 'importTenant',
  input: (slug) => ({ wanted: imported(slug, 'Acme Travel'), source: 'DATABASE', force: true }),
  arrange: async ({ app }, slug) =>
    void (await importTenant(app.commandsFor(developer), {
      ...{ wanted: imported(slug, 'Acme'), source: 'DATABASE', force: false },
    })),
};

function imported(slug: string, companyName: string) {
  const [timezone, currency, primaryEmail] = ['Africa/Nairobi', 'KES', 'run@acme.example'];
  return {
    slug,
    tenant: {
      ...{ name: companyName, shortName: null, timezone, currency, primaryEmail },
      ...{ gcpProjectId: null, gcpDataset: null },
    },
    settings: {
      ...{ companyName, supportEmail: primaryEmail, currency, timezone },
      ...{ emailFromName: null, emailFromEmail: null },
    },
    branding: {
      ...{ presetTheme: 'professional_blue', logoUrl: null },
      ...{ primaryColor: '#C8102E', secondaryColor: null, accentColor: null },
    },
    config: { branding: { company_name: companyName }, email: { primary: primaryEmail } },
  };
}

export const scenarios: readonly Scenario[] = [
  onboard,
  reimport,
  ...(['SCHEMA', 'DATABASE'] as const).flatMap(scenariosOf),
];

function scenariosOf(isolation: Isolation): Scenario[] {
  const watched = modules[isolation];
  const [first] = watched;
  const failing = isolation === 'SCHEMA' ? 'omega' : 'zeta';
  const provisioning = (slug: string, more: readonly string[] = []) => ({
    name: slug,
    slug,
    modules: [...watched, ...more],
    idempotencyKey: slug,
    ...profileOf(slug),
  });
  const provision = async (environment: ProvisioningEnvironment, slug: string) => {
    await provisionTenant(environment.app.commandsFor(developer), {
      ...provisioning(slug),
      idempotencyKey: null,
    });
  };
  const common = { isolation, watched };
  return [
    {
      ...common,
      name: 'provision',
      command: 'provisionTenant',
      input: (slug) => provisioning(slug),
      // Without guards, as for the first tenant of a database.
      arrange: (environment) => removeGuards(environment),
    },
    {
      ...common,
      name: 'provision in vain',
      watched: [...watched, failing],
      command: 'provisionTenant',
      input: (slug) => provisioning(slug, [failing]),
      arrange: async () => undefined,
    },
    {
      ...common,
      name: 'subscribe',
      watched: [first],
      command: 'subscribeTenantToModule',
      input: (slug) => ({ tenantId: slug, module: first, idempotencyKey: slug }),
      arrange: async ({ app }, slug) =>
        void (await registerTenant(app.commandsFor(developer), { name: slug, slug })),
    },
    {
      ...common,
      name: 'adopt',
      isFound: true,
      command: 'adoptStorage',
      input: (slug) => ({
        tenant: { slug, name: slug },
        storages: watched.map((module) => ({ module, name: `${module}_${slug}` })),
      }),
      arrange: ({ urls }, slug) => makeByHand([urls.one, urls.two], watched, isolation, slug),
    },
    {
      ...common,
      name: 'remove',
      command: undefined,
      input: () => ({}),
      async arrange(environment, slug) {
        await provision(environment, slug);
        await unsubscribeTenantFromModule(environment.app.commandsFor(developer), {
          tenantId: slug,
          module: first,
          wait: 'EVERYWHERE',
        });
        await environment.psql(
          `UPDATE module_subscriptions SET purge_after = now() - interval '1 second'
           FROM tenants WHERE tenants.id = tenant_id AND slug = $1 AND module = $2`,
          [slug, first],
        );
      },
    },
    {
      ...common,
      name: 'purge',
      command: 'purgeTenant',
      input: (slug) => ({ tenantId: slug, idempotencyKey: slug }),
      async arrange(environment, slug) {
        await provision(environment, slug);
        await deleteTenant(environment.app.commandsFor(developer), { tenantId: slug, wait: 'EVERYWHERE' });
        await environment.psql(
          `UPDATE tenants SET purge_after = now() - interval '1 second' WHERE slug = $1`,
          [slug],
        );
      },
    },
    {
      ...common,
      name: 'suspend',
      command: 'suspendTenant',
      input: (slug) => ({ tenantId: slug, reason: 'unpaid', idempotencyKey: slug }),
      arrange: provision,
    },
    {
      ...common,
      name: 'resume',
      command: 'resumeTenant',
      input: (slug) => ({ tenantId: slug, idempotencyKey: slug, wait: 'EVERYWHERE' }),
      async arrange(environment, slug) {
        await provision(environment, slug);
        await suspendTenant(environment.app.commandsFor(developer), { tenantId: slug, reason: 'unpaid' });
      },
    },
    {
      ...common,
      name: 'end a suspension',
      command: 'endSuspensions',
      input: () => ({}),
      async arrange(environment, slug) {
        await provision(environment, slug);
        await suspendTenant(environment.app.commandsFor(developer), { tenantId: slug, reason: 'unpaid' });
        await environment.psql(
          `UPDATE tenants SET suspend_until = now() - interval '1 second' WHERE slug = $1`,
          [slug],
        );
      },
    },
  ];
}

/** Creates storage as services did before there was a registry. */
async function makeByHand(
  urls: readonly string[],
  names: readonly string[],
  isolation: Isolation,
  slug: string,
): Promise<void> {
  for (const [at, module] of names.entries()) {
    const name = `${module}_${slug}`;
    const url = urls[at] ?? '';
    if (isolation === 'SCHEMA') await query(url, `CREATE SCHEMA ${name} CREATE TABLE note (body text)`);
    else {
      await query(url, `CREATE DATABASE ${name}`);
      await queryOnce(urlTo(url, name), 'CREATE TABLE note (body text)');
    }
  }
}

async function removeGuards({ urls }: ProvisioningEnvironment): Promise<void> {
  for (const url of [urls.one, urls.two]) await query(url, 'DROP SCHEMA IF EXISTS tenant_guard CASCADE');
}
