/**
 * Writers that run random commands on the same few tenants. Without vitest, because the soak in bench/ runs them for
 * longer.
 */
import { createPick } from '../../setup/random.js';

interface Door {
  ask(query: string, variables: Record<string, unknown>): Promise<DoorAnswer>;
}

interface DoorAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: what the writers look at in it, they look for with ?.
  data: any;
  errors: { message: string; extensions: { code: string } }[];
}

export interface WritersReport {
  /** Number of answered commands by outcome: "ok" or the code of the refusal. */
  answers: Record<string, number>;
  commands: number;
  /** Answers that are wrong whatever the other writers do. */
  surprises: string[];
}

export interface WritersOptions {
  doors: readonly Door[];
  /** Runs SQL in the registry, as a user of psql does; only the first writer does so. */
  byHand(sql: string): Promise<unknown>;
  writers: number;
  tenants: number;
  /** Modules whose migrations are short. */
  modules: readonly string[];
  /** The writers run until this time has passed and this many commands are answered. */
  forMs: number;
  atLeast: number;
  seed: number;
}

/** Refusals that a command of another writer may cause. */
const expectedCodes = new Set([
  'CONFLICT',
  'MODULE_NOT_SUBSCRIBED',
  'OPERATION_IN_PROGRESS',
  'TENANT_DELETED',
  'TENANT_NOT_FOUND',
  'TENANT_NOT_READY',
  'TENANT_SUSPENDED',
  'VERSION_CONFLICT',
]);

type Choice = <T>(values: readonly T[]) => T;
type Command = (choose: Choice, options: WritersOptions) => { name: string; input: object; fields?: string };

function aSlug(choose: Choice, { tenants }: WritersOptions): string {
  return `w${choose([...Array(tenants).keys()])}-x`;
}

const onTenant =
  (name: string, more: (choose: Choice) => object = () => ({})): Command =>
  (choose, options) => ({ name, input: { tenantId: aSlug(choose, options), ...more(choose) } });

const onModule =
  (name: string, more: (choose: Choice, options: WritersOptions) => object, fields?: string): Command =>
  (choose, options) => ({
    name,
    input: { tenantId: aSlug(choose, options), module: choose(options.modules), ...more(choose, options) },
    ...(fields && { fields }),
  });

const operation = 'operation { status error }';
const versions = [undefined, undefined, 1, 2, 3];

/** Frequent commands are in the list several times. */
const commands: readonly Command[] = [
  (choose, options) => {
    const slug = aSlug(choose, options);
    return {
      name: 'registerTenant',
      input: { name: 'Writer', slug, idempotencyKey: choose([undefined, slug]) },
    };
  },
  (choose, options) => ({
    name: 'provisionTenant',
    input: {
      name: 'Writer',
      slug: aSlug(choose, options),
      adminEmail: choose(['ada@example.com', 'grace@example.com']),
      modules: choose([options.modules, [...options.modules].reverse(), options.modules.slice(0, 1)]),
    },
    fields: operation,
  }),
  onTenant('updateTenant', (choose) => ({ maxUsers: choose([1, 2, 3]), expectedVersion: choose(versions) })),
  onTenant('updateTenant', (choose) => ({ name: choose(['One', 'Two', 'Three']) })),
  onTenant('updateTenant', (choose) => ({
    plan: choose(['LITE', 'PRO']),
    shortName: choose(['One', 'Two']),
  })),
  onTenant('updateTenant', (choose) => ({ maxStorageGb: choose([1, 2, 3]) })),
  onTenant('updateTenant', (choose) => ({ primaryEmail: choose(['a@example.com', 'b@example.com']) })),
  onTenant('updateTenant', (choose) => ({ timezone: choose(['Africa/Johannesburg', 'Europe/Berlin']) })),
  onTenant('suspendTenant', () => ({ reason: 'a whim' })),
  onTenant('resumeTenant'),
  onTenant('resumeTenant'),
  onTenant('resumeTenant'),
  onTenant('deleteTenant', (choose) => ({ expectedVersion: choose(versions) })),
  onTenant('restoreTenant'),
  onTenant('restoreTenant'),
  onTenant('restoreTenant'),
  onModule('subscribeTenantToModule', (choose) => ({ provision: choose([true, true, false]) }), operation),
  // All writers use the same few names.
  onModule('subscribeTenantToModule', (choose) => ({ schemaName: `house_${choose([1, 2, 3])}` }), operation),
  onModule('unsubscribeTenantFromModule', () => ({})),
  onModule('unsubscribeTenantFromModule', () => ({})),
  onModule('provisionModule', () => ({}), operation),
  onModule('markModuleProvisioned', (choose) => ({ status: choose(['SUCCESS', 'SUCCESS', 'FAILED']) })),
  (choose, { modules }) => ({
    name: 'updateModule',
    input: { name: choose(modules), description: choose(['This', 'That']) },
  }),
];

export async function runWriters(options: WritersOptions): Promise<WritersReport> {
  const report: WritersReport = { answers: {}, commands: 0, surprises: [] };
  const until = Date.now() + options.forMs;
  await Promise.all(
    Array.from({ length: options.writers }, async (_, writer) => {
      const choose = createPick(options.seed + writer);
      const write = writer === 0 ? writeByHand : writeOnce;
      while (Date.now() < until || report.commands < options.atLeast) await write(choose, options, report);
    }),
  );
  return report;
}

/** Changes several rows in one transaction, and so in one revision. */
async function writeByHand(choose: Choice, options: WritersOptions, report: WritersReport): Promise<void> {
  const slugs = [aSlug(choose, options), aSlug(choose, options)].map((slug) => `'${slug}'`).join(', ');
  await options.byHand(
    choose([
      `UPDATE tenants SET max_storage_gb = ${choose([1, 2, 3])} WHERE slug IN (${slugs})`,
      `UPDATE tenants SET status = 'suspended' WHERE status = 'active' AND slug IN (${slugs})`,
      `UPDATE tenants SET status = 'active' WHERE status = 'suspended' AND slug IN (${slugs})`,
      `BEGIN; UPDATE tenants SET max_users = 1 WHERE slug IN (${slugs}); UPDATE tenant_settings SET website = 'x'; ROLLBACK`,
    ]),
  );
  report.commands++;
  report.answers['by hand'] = (report.answers['by hand'] ?? 0) + 1;
}

async function writeOnce(choose: Choice, options: WritersOptions, report: WritersReport): Promise<void> {
  const { name, input, fields = '' } = choose(commands)(choose, options);
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const { data, errors } = await choose(options.doors).ask(
    `mutation ($input: ${type}!) { ${name}(input: $input) { revision ${fields} } }`,
    { input },
  );
  const [error] = errors;
  const ended = data?.[name]?.operation;
  const answer = error?.extensions.code ?? (ended ? `operation ${ended.status}` : 'ok');
  report.commands++;
  report.answers[answer] = (report.answers[answer] ?? 0) + 1;
  if ((error && !expectedCodes.has(answer)) || (ended && ended.status !== 'SUCCEEDED'))
    report.surprises.push(
      `${name} ${JSON.stringify(input)}: ${answer} ${error?.message ?? ended?.error ?? ''}`,
    );
}
