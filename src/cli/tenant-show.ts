import type { Command } from 'commander';
import type { App } from '../app.js';
import { authorize } from '../auth/permissions.js';
import { tenantNotFound } from '../registry/route.js';
import { tenantWhere } from '../registry/tenant.js';
import { colorOf, paint } from './color.js';
import { type Column, renderTable, visible } from './table.js';
import { print, withApp } from './with-app.js';

export function addTenantShow(tenant: Command): void {
  tenant
    .command('show <tenant>')
    .description('Show a tenant: profile, modules with the place of their data, members, last operations.')
    .option('--json', 'print one JSON object, with its configuration')
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

async function readSheet(app: App, reference: string) {
  const where = tenantWhere(reference);
  const found =
    where &&
    (await app.database.prisma.tenant.findUnique({
      where,
      omit: { statusBeforeDeletion: true },
      include: {
        settings: { omit: { tenantId: true } },
        branding: { omit: { tenantId: true } },
        members: {
          select: { email: true, fullName: true, role: true, status: true },
          orderBy: { email: 'asc' },
        },
        subscriptions: { omit: { tenantId: true }, orderBy: { moduleName: 'asc' } },
        operations: {
          // Guards follow each change; only those that could not are worth a look.
          where: { NOT: { kind: 'BIND_STORAGE', status: 'SUCCEEDED' } },
          select: {
            ...{ id: true, kind: true, status: true, actor: true, error: true, attempt: true },
            ...{ createdAt: true, startedAt: true, finishedAt: true },
            steps: {
              select: { name: true, moduleName: true, status: true, error: true },
              orderBy: { position: 'asc' },
            },
          },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: operationsShown,
        },
      },
    }));
  if (!found) throw tenantNotFound(reference);
  const { purgeAfter, subscriptions, operations, ...tenant } = found;
  return {
    ...tenant,
    restorableUntil: purgeAfter,
    subscriptions: subscriptions.map(({ moduleName, ...subscription }) => ({
      module: moduleName,
      ...subscription,
    })),
    operations: operations.map(({ steps, ...operation }) => ({
      ...operation,
      steps: steps.map(({ moduleName, ...step }) => ({ ...step, module: moduleName })),
    })),
  };
}

type Sheet = Awaited<ReturnType<typeof readSheet>>;

function describe(sheet: Sheet): string[] {
  const { settings, branding, subscriptions, members, operations } = sheet;
  return [
    `${paint('bold', visible(sheet.name))}  ${sheet.slug}  ${paint(colorOf(sheet.status), sheet.status.toLowerCase())}`,
    ...facts({
      id: sheet.id,
      'short name': sheet.shortName,
      plan: `${sheet.plan.toLowerCase()}: ${sheet.maxUsers} users, ${sheet.maxMonthlyQuotes} quotes a month, ${sheet.maxStorageGb} GB`,
      place: `${sheet.timezone}, ${sheet.currency}`,
      'e-mail': sheet.primaryEmail,
      'Google Cloud': [sheet.gcpProjectId, sheet.gcpDataset].filter(Boolean).join(' / ') || null,
      configuration: `in ${sheet.configSource === 'YAML' ? 'its client.yaml' : 'the registry'}, ${Object.keys(sheet.config ?? {}).length} parts`,
      registered: `${moment(sheet.createdAt)}${sheet.createdBy ? ` by ${sheet.createdBy}` : ''}`,
      changed: `${moment(sheet.updatedAt)}, version ${sheet.version}`,
      suspended:
        sheet.suspendedAt && `${moment(sheet.suspendedAt)}: ${sheet.suspendedReason ?? 'no reason given'}`,
      deleted: sheet.deletedAt && moment(sheet.deletedAt),
      'restorable until':
        sheet.status === 'DELETED' && sheet.restorableUntil ? moment(sheet.restorableUntil) : null,
    }),
    ...(settings
      ? [
          ...heading('Settings'),
          ...facts({
            company: settings.companyName,
            support: [settings.supportEmail, settings.supportPhone].filter(Boolean).join(', ') || null,
            website: settings.website,
            place: `${settings.timezone}, ${settings.currency}`,
            'mails from': [settings.emailFromName, settings.emailFromEmail].filter(Boolean).join(' ') || null,
          }),
        ]
      : []),
    ...(branding
      ? [
          ...heading('Branding'),
          ...facts({
            theme: branding.presetTheme,
            logo: branding.logoUrl,
            colours:
              [branding.primaryColor, branding.secondaryColor, branding.accentColor]
                .filter(Boolean)
                .join(' ') || null,
          }),
        ]
      : []),
    ...table('Modules', subscriptions, subscriptionColumns, 'none'),
    ...table('Members', members, memberColumns, 'none'),
    ...table('Last operations', operations, operationColumns, 'none'),
  ];
}

const heading = (title: string) => ['', paint('bold', title)];

function facts(wanted: Record<string, string | null>): string[] {
  return Object.entries(wanted).flatMap(([name, value]) =>
    value === null ? [] : [`  ${name.padEnd(17)}${visible(value)}`],
  );
}

function table<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  nothing: string,
): string[] {
  const width = process.stdout.columns && process.stdout.columns - 2;
  const lines = rows.length > 0 ? renderTable(rows, columns, width) : [nothing];
  return [...heading(title), ...lines.map((line) => `  ${line}`)];
}

const statusColumn = {
  title: 'STATUS',
  read: ({ status }: { status: string }) => status.toLowerCase(),
  least: 6,
  paint: (cell: string, { status }: { status: string }) => paint(colorOf(status), cell),
};

const subscriptionColumns: Column<Sheet['subscriptions'][number]>[] = [
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  statusColumn,
  { title: 'DATABASE', read: ({ databaseName }) => databaseName, least: 8 },
  { title: 'SCHEMA', read: ({ schemaName }) => schemaName, least: 8 },
  { title: 'GENERATION', read: ({ generation }) => String(generation), least: 3 },
  { title: 'MIGRATED TO', read: ({ migrationVersion }) => migrationVersion, least: 6 },
];

const memberColumns: Column<Sheet['members'][number]>[] = [
  { title: 'E-MAIL', read: ({ email }) => email, least: 12 },
  { title: 'NAME', read: ({ fullName }) => fullName, least: 6 },
  { title: 'ROLE', read: ({ role }) => role.toLowerCase(), least: 6 },
  statusColumn,
];

const operationColumns: Column<Sheet['operations'][number]>[] = [
  { title: 'ASKED FOR', read: ({ createdAt }) => moment(createdAt), least: 16 },
  { title: 'WHAT', read: ({ kind }) => kind.toLowerCase(), least: 8 },
  statusColumn,
  { title: 'BY', read: ({ actor }) => actor, least: 6 },
  { title: 'ID', read: ({ id }) => id, least: 9 },
  { title: 'ERROR', read: ({ error }) => error, least: 10 },
];

function moment(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
