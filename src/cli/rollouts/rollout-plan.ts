import type { Command } from 'commander';
import {
  listPendingFiles,
  planRollout,
  type RolloutPlan,
} from '../../provisioning/rollout/plan/rollout-plan.js';
import { paint } from '../terminal/color.js';
import { type Column, renderHeading, renderSection, visible } from '../terminal/table.js';
import { print, withApp } from '../with-app.js';

export function addRolloutPlan(rollout: Command): void {
  rollout
    .command('plan <module>')
    .description(
      'Show what "rollout start" would do: pending files with locks and risks, and tenants by version.',
    )
    .option('--sql <tenant>', 'print the files that this tenant lacks, given by id, slug or external id')
    .option('--json', 'print one JSON object')
    .addHelpText('after', explanation)
    .action(plan);
}

const explanation = `
Nothing is written. The exit code is 1 when "rollout start" would refuse a file.

Examples:

  tenant-registry rollout plan finance
  tenant-registry rollout plan finance --sql acme-corp
  tenant-registry rollout plan finance --json | jq '.pending[].statements[].warnings'`;

interface Options {
  sql?: string;
  json?: true;
}

async function plan(module: string, { sql, json }: Options): Promise<void> {
  await withApp(
    async (app, caller) => {
      const commands = app.commandsFor(caller);
      if (sql !== undefined) {
        const pending = await listPendingFiles(commands, { moduleName: module, tenant: sql });
        if (json)
          return print(
            JSON.stringify({
              ...pending,
              files: pending.files.map(({ name, sql: text }) => ({ name, sql: text })),
            }),
          );
        return printFiles(pending);
      }
      const planned = await planRollout(commands, module);
      if (planned.problems.length > 0) process.exitCode = 1;
      if (json) return print(JSON.stringify(planned));
      for (const line of describe(planned)) print(line);
    },
    { readOnly: true },
  );
}

function printFiles({ schemaName, version, files }: Awaited<ReturnType<typeof listPendingFiles>>): void {
  print(
    `-- Schema ${schemaName}, now at ${version ?? 'no migration'}. ${files.length === 0 ? 'Nothing is pending.' : ''}`.trimEnd(),
  );
  for (const { name, sql } of files) {
    print(`\n-- ${name}`);
    // A file is data of the operator: only what steers the terminal is taken out.
    for (const line of sql.trimEnd().split('\n')) print(line);
  }
}

function describe({
  module,
  targetVersion,
  tenants,
  behind,
  pending,
  problems,
  versions,
  excluded,
}: RolloutPlan): string[] {
  return [
    paint('bold', `${module} to ${targetVersion}: ${behind} of ${tenants} tenants are behind`),
    ...renderSection('Tenants by version', versions, versionColumns),
    ...(excluded.length > 0 ? renderSection('Left alone', excluded, exclusionColumns) : []),
    ...(problems.length > 0
      ? [
          ...renderHeading('Refused'),
          ...problems.map(({ file, line, problem, remedy }) =>
            paint('red', visible(`  ${file}${line === null ? '' : `:${line}`}: ${problem} ${remedy}`)),
          ),
        ]
      : []),
    ...pending.flatMap((file) => [
      ...renderHeading(`${file.name}${file.runsAlone ? ' (outside a transaction)' : ''}`),
      ...file.statements.flatMap(({ line, kind, lock, warnings }) => [
        visible(`  line ${line}: ${kind}${lock === null ? '' : `, lock ${lock}`}`),
        ...warnings.map(({ code, message, remedy }) =>
          paint('yellow', visible(`    ${code}: ${message} ${remedy}`)),
        ),
      ]),
    ]),
  ];
}

const versionColumns: Column<RolloutPlan['versions'][number]>[] = [
  { title: 'VERSION', read: ({ version }) => version, least: Number.POSITIVE_INFINITY },
  { title: 'TENANTS', read: ({ tenants }) => String(tenants), least: 7 },
  { title: 'PENDING', read: ({ pending }) => pending.join(', ') || 'nothing', least: 20 },
];

const exclusionColumns: Column<RolloutPlan['excluded'][number]>[] = [
  { title: 'STATUS', read: ({ status }) => status.toLowerCase(), least: 7 },
  { title: 'TENANTS', read: ({ tenants }) => String(tenants), least: 7 },
  { title: 'SUCH AS', read: ({ examples }) => examples.join(', '), least: 20 },
  { title: 'REASON', read: ({ reason }) => reason, least: 20 },
];
