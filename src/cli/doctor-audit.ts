import type { Command } from 'commander';
import { type ChainProblem, type ChainReport, checkChangeLog } from '../registry/hash-chain.js';
import { oneLine } from './printable.js';
import { print, withApp } from './with-app.js';

export function addDoctorAudit(doctor: Command): void {
  doctor
    .command('audit')
    .description('Check that the audit log still is what was written, entry by entry; changes nothing.')
    .option('--expect <head>', 'a head that was printed earlier, as <revision>:<hash>')
    .option('--json', 'print {"entries","head","problems","findings"}')
    .addHelpText('after', explanation)
    .action((_options, command: Command) => audit(command.optsWithGlobals()));
}

const explanation = `
Every entry holds the hash of the one before. Each is hashed anew, from the first, which names none, to the newest, which
registry_head names: what was edited, removed, put in or exchanged past the triggers is found, and where.

Whoever can do that can also compute every hash anew from some entry on, and then the log agrees with itself. So note
the head that is printed, where the database's administrators can't change it, and give it back:

  tenant-registry doctor audit --json | jq -r .head        # keep this
  tenant-registry doctor audit --expect 4711:9f86d08188…   # everything up to it is what it was

The exit code is 1 when something was found.`;

/** Who rewrote everything has something wrong in every entry. */
const mostShown = 1_000;

interface Options {
  expect?: string;
  json?: true;
  /** Of doctor, which takes them wherever they stand. */
  module: string[];
  tenant?: string;
}

async function audit(options: Options): Promise<void> {
  if (options.module.length > 0 || options.tenant !== undefined)
    throw new Error(
      'doctor audit takes no --module and no --tenant: there is one chain, which holds as a whole',
    );
  const findings: ChainProblem[] = [];
  const report = await withApp(
    (app, caller) =>
      checkChangeLog(app.commandsFor(caller), {
        expect: options.expect,
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

/** One line that is written over, and only where somebody sees it. */
function showProgress(entries: number): void {
  if (process.stderr.isTTY && entries % 50_000 === 0) process.stderr.write(`\r${entries} entries checked`);
}

function describe(
  { entries, head, problems }: ChainReport,
  findings: readonly ChainProblem[],
  isExpected: boolean,
): string[] {
  const checked = `${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  if (problems === 0)
    return [
      `All ${checked} of the audit log are as they were written${isExpected ? ', and the expected head is among them' : ''}.`,
      `Head ${head}`,
      ...(isExpected
        ? []
        : ['Keep it elsewhere: only --expect with it finds a log that was written anew as a whole.']),
    ];
  const lines = findings.map(
    ({ code, revision, position, problem }) =>
      `  ${code}\n    Entry ${revision}/${position} ${oneLine(problem)}.`,
  );
  const rest = problems - findings.length;
  return [
    ...lines,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    '',
    `${problems} ${problems === 1 ? 'problem' : 'problems'} in an audit log of ${checked}: it was changed past its triggers.`,
    'To do: find out who could, and compare with a backup; the log itself can’t be mended.',
  ];
}
