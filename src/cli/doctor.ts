import type { Command } from 'commander';
import { type Diagnosis, diagnose } from '../provisioning/doctor/doctor.js';
import type { Finding } from '../provisioning/doctor/finding.js';
import { addDoctorAudit } from './doctor-audit.js';
import { collect } from './option.js';
import { oneLine } from './terminal/printable.js';
import { print, withApp } from './with-app.js';

export function addDoctor(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('Compare the registry with the schemas and databases that exist; changes nothing.')
    .option('--module <name>', 'only this module; may be given several times', collect, [])
    .option('--tenant <tenant>', 'only this tenant, by id or slug')
    .option('--json', 'print {"storages","tenants","findings"}')
    .addHelpText('after', explanation)
    .action(examine);
  addDoctorAudit(doctor);
}

const explanation = `
Each finding has a stable code, the problem and its solution. The exit code is 1 when there is an error: a tenant is or will
be refused, admitted or lost although it should not be. With warnings alone, which name things to clean up, it is 0.

Storage that changes during the comparison, or that an operation works on, is not reported.`;

async function examine(options: { module: string[]; tenant?: string; json?: true }): Promise<void> {
  const { module: modules, tenant } = options;
  const diagnosis = await withApp((app, caller) => diagnose(app.commandsFor(caller), { modules, tenant }), {
    readOnly: true,
  });
  if (options.json) print(JSON.stringify(diagnosis));
  else for (const line of describe(diagnosis)) print(line);
  if (diagnosis.findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}

function describe({ storages, tenants, findings }: Diagnosis): string[] {
  const examined = `${count(storages, 'storage')} of ${count(tenants, 'tenant')}`;
  if (findings.length === 0) return [`All ${examined} ${storages === 1 ? 'matches' : 'match'} the registry.`];
  const errors = findings.filter(({ severity }) => severity === 'error');
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  return [
    ...section('ERRORS', errors),
    ...section('WARNINGS', warnings),
    `${count(errors.length, 'error')} and ${count(warnings.length, 'warning')} among ${examined}.`,
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
