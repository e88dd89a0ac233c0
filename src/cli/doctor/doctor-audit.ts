import type { Command } from 'commander';
import type { ChainProblem, ChainReport } from '../../registry/log/chain-check.js';
import { checkChangeLog } from '../../registry/log/hash-chain.js';
import { oneLine } from '../terminal/printable.js';
import { print, withApp } from '../with-app.js';

export function addDoctorAudit(doctor: Command): void {
  doctor
    .command('audit')
    .description('Check by its hashes that the audit log was not altered; changes nothing.')
    .option('--expect <head>', 'head from an earlier check, as <revision>:<hash>')
    .option(
      '--json',
      'print {"entries","head","problems","after","findings"}; after: revision of the checkpoint',
    )
    .addHelpText('after', explanation)
    .action((_options, command: Command) => audit(command.optsWithGlobals()));
}

const explanation = `
Every entry contains the hash of the entry before it. The check computes all hashes again, from the first entry, or from the
signed checkpoint of a log that was pruned (which needs AUDIT_KEY), to the
newest, whose hash is in registry_head. It finds entries that were edited, removed, inserted or swapped without the triggers.

An administrator of the database could also compute all later hashes again; then the log is consistent in itself. To find
that, store the printed head where administrators of the database cannot change it, and pass it to a later check:

  tenant-registry doctor audit --json | jq -r .head        # keep this
  tenant-registry doctor audit --expect 4711:9f86d08188…   # entries up to that head are unaltered

The exit code is 1 when a problem was found.`;

/** A rewritten log has a problem in every entry. */
export const mostShown = 1_000;

interface Options {
  expect?: string;
  json?: true;
  /** Options of doctor, which commander also accepts here. */
  module: string[];
  tenant?: string;
  structure?: true;
}

async function audit(options: Options): Promise<void> {
  if (options.module.length > 0 || options.tenant !== undefined || options.structure)
    throw new Error(
      'doctor audit does not take --module, --tenant or --structure: there is one chain, which is checked as a whole',
    );
  const findings: ChainProblem[] = [];
  const report = await withApp(
    (app, caller) =>
      checkChangeLog(app.commandsFor(caller), {
        expect: options.expect,
        key: app.config.auditKey,
        onProblem: (problem) => findings.length < mostShown && findings.push(problem),
        onProgress: showProgress,
      }),
    { readOnly: true },
  );
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (options.json) print(JSON.stringify({ ...report, findings }));
  else for (const line of describe(report, findings, options.expect !== undefined)) print(line);
  if (report.problems > 0) process.exitCode = 1;
}

/** Updates one progress line, if standard error is a terminal. */
function showProgress(entries: number): void {
  if (process.stderr.isTTY && entries % 50_000 === 0) process.stderr.write(`\r${entries} entries checked`);
}

function describe(
  { entries, head, problems, after }: ChainReport,
  findings: readonly ChainProblem[],
  isExpected: boolean,
): string[] {
  const checked = `${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  if (problems === 0)
    return [
      `All ${checked} of the audit log are unaltered${isExpected ? ', and the expected head is among them' : ''}.`,
      ...(after === null ? [] : [`They begin after the signed checkpoint ${after}.`]),
      `Head ${head}`,
      ...(isExpected
        ? []
        : ['Store the head elsewhere: only --expect with it finds a log that was rewritten as a whole.']),
    ];
  return [
    ...describeProblems(findings, problems),
    `${problems} ${problems === 1 ? 'problem' : 'problems'} in an audit log of ${checked}: it was changed without its triggers.`,
    'To do: find out who had access, and compare with a backup; the log itself cannot be repaired.',
  ];
}

/** The findings, the number of those that are not shown, and an empty line. */
export function describeProblems(findings: readonly ChainProblem[], problems: number): string[] {
  const rest = problems - findings.length;
  return [
    ...findings.map(
      ({ code, revision, position, problem }) =>
        `  ${code}\n    Entry ${revision}/${position} ${oneLine(problem)}.`,
    ),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    '',
  ];
}
