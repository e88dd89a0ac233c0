import { developer } from '../../../src/auth/caller.js';
import type { Rollout, RolloutTenant } from '../../../src/database/generated/prisma/client.js';
import { startRollout } from '../../../src/provisioning/commands/start-rollout.js';
import { RolloutDuty } from '../../../src/provisioning/rollout/lead/rollout-duty.js';
import type { CommandContext } from '../../../src/registry/command.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { contacts, type GatewayWithModules, openGatewayWithModules } from './gateway-with-own-modules.js';

/** A gateway with modules that share one database. Each test takes one for itself, with the same tenants. */
export interface RolloutTestbed extends GatewayWithModules {
  context: CommandContext;
  tenants: StoryTenant[];
  /** A module with two files that all tenants have. */
  takeModule(): Promise<TestModule>;
}

export interface TestModule {
  name: string;
  /** Writes a file such as 0003_phones.sql. */
  write(file: string, sql: string): Promise<void>;
  start(strategy?: object): Promise<string>;
  /** SQL in the schema of each tenant; the rows of all of them, with the slug. */
  each<Row extends Record<string, unknown>>(sql: string): Promise<(Row & { slug: string })[]>;
  schemaOf(tenant: StoryTenant | undefined): string;
  /** The versions in the registry, by slug. */
  versions(): Promise<Record<string, string | null>>;
}

/** The third file of most tests. */
export const phones = 'ALTER TABLE contact ADD COLUMN phone text;';

export async function openRolloutTestbed(modules: number, tenants: number): Promise<RolloutTestbed> {
  const names = Array.from({ length: modules }, (_, at) => `m${at}`);
  const testbed = await openGatewayWithModules(
    ...names.map((name) => ({ name, migrations: contacts, ...(name !== 'm0' && { sharing: 'm0' }) })),
  );
  const { gateway } = testbed;
  const context = gateway.app.commandsFor(developer);
  const all: StoryTenant[] = [];
  for (let at = 0; at < tenants; at++) all.push(await aTenant({ slug: uniqueName('r') }).at(gateway));

  async function takeModule(): Promise<TestModule> {
    const name = names.shift();
    if (name === undefined) throw new Error('this testbed has no modules left');
    await Promise.all(
      all.map(async ({ slug }) => {
        const { errors } = await gateway.ask(
          `mutation ($input: SubscribeTenantToModuleInput!) { subscribeTenantToModule(input: $input) { operation { status } } }`,
          { input: { tenantId: slug, module: name } },
        );
        if (errors[0]) throw new Error(errors[0].message);
      }),
    );
    const schemaOf = (tenant: StoryTenant | undefined) => `${name}_${tenant?.slug}`;
    return {
      name,
      schemaOf,
      write: (file, sql) => testbed.write(`${name}/${file}`, sql),
      start: async (strategy) => (await startRollout(context, { module: name, strategy })).rolloutId,
      async each<Row extends Record<string, unknown>>(sql: string) {
        const found: (Row & { slug: string })[] = [];
        for (const tenant of all) {
          const rows = await testbed.psql<Row>(name, `SET search_path = ${schemaOf(tenant)}; ${sql}`);
          // Two statements have two results.
          const last = (rows ?? []) as Row[];
          found.push(...last.map((row) => ({ ...row, slug: tenant.slug })));
        }
        return found;
      },
      async versions() {
        const rows = await gateway.psql<{ slug: string; version: string | null }>(
          `SELECT slug, migration_version AS version FROM module_subscriptions JOIN tenants ON tenants.id = tenant_id WHERE module = $1`,
          [name],
        );
        return Object.fromEntries(rows.map(({ slug, version }) => [slug, version]));
      },
    };
  }
  return { ...testbed, context, tenants: all, takeModule };
}

/** Leads rollouts as a worker does, until none can go on. */
export async function lead({ context }: Pick<RolloutTestbed, 'context'>): Promise<void> {
  const duty = new RolloutDuty({ heartbeatMs: 5_000, takeOverAfterMs: 15_000 });
  await duty.run(context, new AbortController().signal);
  await duty.ended();
}

export function rolloutOf({ context }: Pick<RolloutTestbed, 'context'>, id: string): Promise<Rollout> {
  return context.database.prisma.rollout.findUniqueOrThrow({ where: { id } });
}

/** The tenants of a rollout by slug. */
export async function resultsOf(
  { context, tenants }: Pick<RolloutTestbed, 'context' | 'tenants'>,
  rolloutId: string,
): Promise<Record<string, RolloutTenant>> {
  const rows = await context.database.prisma.rolloutTenant.findMany({ where: { rolloutId } });
  const slugs = new Map(tenants.map(({ id, slug }) => [id, slug]));
  return Object.fromEntries(rows.map((row) => [slugs.get(row.tenantId) ?? row.tenantId, row]));
}

/** How many tenants have each status. */
export async function statusesOf(
  testbed: Pick<RolloutTestbed, 'context' | 'tenants'>,
  rolloutId: string,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of Object.values(await resultsOf(testbed, rolloutId)))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
