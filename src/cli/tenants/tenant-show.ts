import type { Command } from 'commander';
import type { App } from '../../app.js';
import { authorize } from '../../auth/permissions.js';
import { requireTenantOverview } from '../../profile/tenant-overview.js';
import { listOperations } from '../../provisioning/operations/reads/operation-record.js';
import { createUsageLoader } from '../../registry/usage/usage.js';
import { attemptToJson } from '../operations/operation-form.js';
import { colorOf, paint } from '../terminal/color.js';
import {
  type Column,
  minuteOf,
  renderHeading,
  renderSection,
  statusColumn,
  visible,
} from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

export function addTenantShow(tenant: Command): void {
  tenant
    .command('show <tenant>')
    .description('Show a tenant: profile, modules and their storage, members, latest operations.')
    .option('--json', 'print one JSON object, with the configuration')
    .addHelpText(
      'after',
      '\nExamples:\n\n  tenant-registry tenant show acme-corp\n  tenant-registry tenant show acme-corp --json | jq .subscriptions',
    )
    .action(show);
}

async function show(reference: string, options: { json?: true }): Promise<void> {
  await withApp(
    async (app, caller) => {
      authorize(caller, 'readRegistry');
      const sheet = await readSheet(app, reference);
      if (options.json) print(JSON.stringify(sheet));
      else for (const line of describe(sheet)) print(line);
    },
    { readOnly: true },
  );
}

const operationsShown = 10;

async function readSheet({ database }: App, reference: string) {
  const tenant = await requireTenantOverview(database, reference);
  const operations = await listOperations(database, tenant.id, operationsShown);
  const usage = await createUsageLoader(database).load(tenant.id);
  return {
    ...tenant,
    usage: usage.map(({ startsAt, endsAt, ...numbers }) => ({
      ...{ ...numbers, periodStart: startsAt, periodEnd: endsAt },
    })),
    operations: operations.map(
      ({ id, kind, status, actor, error, attempt, createdAt, startedAt, finishedAt, attempts, steps }) => ({
        ...{ id, kind, status, actor, error, attempt, createdAt, startedAt, finishedAt },
        attempts: attempts.map(attemptToJson),
        steps: steps.map(({ name, moduleName, status, error }) => ({
          ...{ name: name.toUpperCase(), status, error, module: moduleName },
        })),
      }),
    ),
  };
}

type Sheet = Awaited<ReturnType<typeof readSheet>>;

function describe(sheet: Sheet): string[] {
  const { subscriptions, members, operations, usage } = sheet;
  return [
    `${paint('bold', visible(sheet.name))}  ${sheet.slug}  ${paint(colorOf(sheet.status), sheet.status.toLowerCase())}`,
    ...describeMasterData(sheet),
    ...describeSettings(sheet),
    ...describeBranding(sheet),
    ...renderSection('Usage', usage, usageColumns),
    ...renderSection('Modules', subscriptions, subscriptionColumns),
    ...renderSection('Members', members, memberColumns),
    ...renderSection('Latest operations', operations.flatMap(attemptsOf), operationColumns),
  ];
}

function describeMasterData(sheet: Sheet): string[] {
  return facts({
    id: sheet.id,
    'external ids': sheet.externalIds.join(', ') || null,
    'short name': sheet.shortName,
    plan: `${sheet.plan.toLowerCase()}: ${sheet.maxUsers} users, ${sheet.maxMonthlyQuotes} quotes a month, ${sheet.maxStorageGb} GB`,
    'own limits':
      sheet.ownLimits.map((metric) => metric.toLowerCase().replaceAll('_', ' ')).join(', ') || null,
    locale: `${sheet.timezone}, ${sheet.currency}`,
    'e-mail': sheet.primaryEmail,
    'Google Cloud': [sheet.gcpProjectId, sheet.gcpDataset].filter(Boolean).join(' / ') || null,
    configuration: `in ${sheet.configSource === 'YAML' ? 'its client.yaml' : 'the registry'}, ${Object.keys(sheet.config ?? {}).length} parts`,
    registered: `${minuteOf(sheet.createdAt)}${sheet.createdBy ? ` by ${sheet.createdBy}` : ''}`,
    changed: `${minuteOf(sheet.updatedAt)}, version ${sheet.version}`,
    suspended:
      sheet.suspendedAt && `${minuteOf(sheet.suspendedAt)}: ${sheet.suspendedReason ?? 'no reason given'}`,
    'suspended until': sheet.suspendUntil && minuteOf(sheet.suspendUntil),
    deleted: sheet.deletedAt && minuteOf(sheet.deletedAt),
    'restorable until':
      sheet.status === 'DELETED' && sheet.restorableUntil ? minuteOf(sheet.restorableUntil) : null,
    protected: sheet.isProtected ? 'yes: it cannot be deleted or purged' : null,
    note: sheet.internalNote,
  });
}

function describeSettings({ settings }: Sheet): string[] {
  if (!settings) return [];
  return [
    ...renderHeading('Settings'),
    ...facts({
      company: settings.companyName,
      support: [settings.supportEmail, settings.supportPhone].filter(Boolean).join(', ') || null,
      website: settings.website,
      locale: `${settings.timezone}, ${settings.currency}`,
      'mails from': [settings.emailFromName, settings.emailFromEmail].filter(Boolean).join(' ') || null,
    }),
  ];
}

function describeBranding({ branding }: Sheet): string[] {
  if (!branding) return [];
  const { primaryColor, secondaryColor, accentColor } = branding;
  return [
    ...renderHeading('Branding'),
    ...facts({
      theme: branding.presetTheme,
      logo: branding.logoUrl,
      colours: [primaryColor, secondaryColor, accentColor].filter(Boolean).join(' ') || null,
    }),
  ];
}

/** One line per fact; those without a value are left out. */
function facts(values: Record<string, string | null>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [`  ${name.padEnd(17)}${visible(value)}`],
  );
}

const usageColumns: Column<Sheet['usage'][number]>[] = [
  { title: 'METRIC', read: ({ metric }) => metric.toLowerCase(), least: 6 },
  { title: 'USED', read: ({ used }) => String(used), least: 4 },
  { title: 'LIMIT', read: ({ limit }) => String(limit), least: 5 },
  { title: 'UNTIL', read: ({ periodEnd }) => periodEnd && minuteOf(periodEnd), least: 10 },
];

const subscriptionColumns: Column<Sheet['subscriptions'][number]>[] = [
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  statusColumn,
  { title: 'DATABASE', read: ({ databaseName }) => databaseName, least: Number.POSITIVE_INFINITY },
  { title: 'SCHEMA', read: ({ schemaName }) => schemaName, least: Number.POSITIVE_INFINITY },
  { title: 'GENERATION', read: ({ generation }) => String(generation), least: 3 },
  { title: 'MIGRATED TO', read: ({ migrationVersion }) => migrationVersion, least: 6 },
];

const memberColumns: Column<Sheet['members'][number]>[] = [
  { title: 'E-MAIL', read: ({ email }) => email, least: 12 },
  { title: 'NAME', read: ({ fullName }) => fullName, least: 6 },
  { title: 'ROLE', read: ({ role }) => role.toLowerCase(), least: 6 },
  statusColumn,
];

/** One row per attempt, newest first: the operation’s own row is the same as that of its latest one. */
function attemptsOf({ id, kind, attempts }: Sheet['operations'][number]) {
  return attempts.map((attempt) => ({ ...attempt, id, kind }));
}

const operationColumns: Column<ReturnType<typeof attemptsOf>[number]>[] = [
  { title: 'REQUESTED', read: ({ createdAt }) => minuteOf(createdAt), least: 16 },
  { title: 'KIND', read: ({ kind }) => kind.toLowerCase(), least: 8 },
  statusColumn,
  { title: 'BY', read: ({ actor }) => actor, least: 6 },
  { title: 'ATTEMPT', read: ({ number }) => String(number), least: 3 },
  { title: 'ID', read: ({ id }) => id, least: Number.POSITIVE_INFINITY },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];
