import type { Command } from 'commander';
import { findLostChanges, repairAfterRestore } from '../../provisioning/after-restore.js';
import { type Diagnosis, diagnose } from '../../provisioning/doctor/doctor.js';
import type { Finding } from '../../provisioning/doctor/finding.js';
import { collect } from '../option.js';
import { oneLine } from '../terminal/printable.js';
import { print, withApp } from '../with-app.js';
import { addDoctorAudit } from './doctor-audit.js';
import { addDoctorRepair } from './doctor-repair.js';

export function addDoctor(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('Compare the registry with the schemas and databases that exist; changes nothing.')
    .option('--module <name>', 'only this module; may be given several times', collect, [])
    .option('--tenant <tenant>', 'only this tenant, by id, slug or external id')
    .option(
      '--structure',
      'also compare each schema with what the files of its version make, and record all findings',
    )
    .option('--after-restore', 'the registry or service databases were restored to an earlier moment')
    .option(
      '--archive <folder>',
      'with --after-restore: name the changes in this audit archive that were lost',
    )
    .option('--repair', 'with --after-restore: repair what needs no decision')
    .option('--json', 'print {"storages","tenants","findings","decided"}')
    .addHelpText('after', explanation)
    .action(examine);
  addDoctorAudit(doctor);
  addDoctorRepair(doctor);
}

const explanation = `
Each finding has a stable code, the problem and its solution. The exit code is 1 when there is an error: a tenant is or will
be refused, admitted or lost although it should not be. With warnings alone, which name things to clean up, it is 0.

Storage that changes during the comparison, or that an operation works on, is not reported.

With --after-restore everything is compared as always, and what --archive (made by audit export --out) has beyond the restored registry is
listed. --repair writes guards again; where a lost change had closed a guard or given it a later generation, the registry follows: the
subscription is suspended and gets a later generation. Nothing is opened that was closed. What needs a decision stays in the report.

With --structure the files of each version run in an empty schema that is rolled back, and the tables, columns, constraints, indexes,
routines, triggers and rights of all schemas are compared with it. The findings are recorded for the query drift. "doctor repair"
decides on one of them; what is ignored or accepted is not reported again.`;

interface Options {
  module: string[];
  tenant?: string;
  structure?: true;
  afterRestore?: true;
  archive?: string;
  repair?: true;
  json?: true;
}

async function examine(options: Options): Promise<void> {
  const { module: modules, tenant, structure = false } = options;
  const { afterRestore, archive, repair } = options;
  if (!afterRestore && (repair || archive !== undefined))
    throw new Error(
      '--repair and --archive belong to --after-restore: add it, or decide on one finding with doctor repair',
    );
  const diagnosis = await withApp(
    async (app, caller) => {
      const context = app.commandsFor(caller);
      const first = await diagnose(context, { modules, tenant, structure });
      const repaired = repair ? await repairAfterRestore(context, first.findings) : 0;
      const last = repaired > 0 ? await diagnose(context, { modules, tenant, structure }) : first;
      const lost = archive === undefined ? [] : await findLostChanges(context, archive);
      return { ...last, findings: [...last.findings, ...lost], ...(repair && { repaired }) };
    },
    { readOnly: !repair },
  );
  if (options.json) print(JSON.stringify(diagnosis));
  else for (const line of describe(diagnosis)) print(line);
  if (repair && !options.json) print(`${count(diagnosis.repaired ?? 0, 'repair')} made.`);
  if (diagnosis.findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}

function describe({ storages, tenants, findings, decided }: Diagnosis): string[] {
  const examined = `${count(storages, 'storage')} of ${count(tenants, 'tenant')}`;
  const left =
    decided > 0
      ? [
          `${count(decided, 'finding')} that somebody ignored or accepted ${decided === 1 ? 'is' : 'are'} left out.`,
        ]
      : [];
  if (findings.length === 0)
    return [`All ${examined} ${storages === 1 ? 'matches' : 'match'} the registry.`, ...left];
  const errors = findings.filter(({ severity }) => severity === 'error');
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  return [
    ...section('ERRORS', errors),
    ...section('WARNINGS', warnings),
    `${count(errors.length, 'error')} and ${count(warnings.length, 'warning')} among ${examined}.`,
    ...left,
  ];
}

function section(title: string, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const lines = findings.flatMap(({ code, problem, remedy }) => [
    `  ${code}`,
    `    ${oneLine(problem)}`,
    `    To do: ${oneLine(remedy)}`,
  ]);
  return [title, ...lines, ''];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
