import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { exportToArchive, readAuditLog } from '../../registry/log/audit-export.js';
import { formatEntry, formatHead } from '../../registry/log/audit-line.js';
import { verifyAuditFiles } from '../../registry/log/audit-verify.js';
import type { ChainProblem, ChangeLogEntry } from '../../registry/log/chain-check.js';
import { planPruning, prune } from '../../registry/log/prune.js';
import { describeProblems, mostShown } from '../doctor/doctor-audit.js';
import { readDate } from '../option.js';
import { confirm, requireConfirmable } from '../terminal/confirm.js';
import { print, withApp } from '../with-app.js';

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('Export, check and prune the audit log.');
  audit
    .command('export')
    .description('Write entries as JSON lines that prove themselves; changes nothing.')
    .option('--from <date>', 'begin with the first change of this time', readDate)
    .option('--until <date>', 'end before the first change of this time', readDate)
    .option('--out <folder>', 'add to a folder with one file per month; goes on after the newest entry there')
    .addHelpText('after', exportHelp)
    .action(exportEntries);
  audit
    .command('verify <path...>')
    .description('Check exported files or folders by their hashes, without a database.')
    .option('--expect <head>', 'head from elsewhere, as <revision>:<hash>')
    .option('--json', 'print {"entries","head","problems","after","files","checkpoint","findings"}')
    .action(verify);
  audit
    .command('prune')
    .description('Delete the oldest entries; a signed checkpoint keeps the rest provable.')
    .requiredOption('--before <date>', 'delete entries before this time, at least 7 days ago', readDate)
    .option('--archive <folder>', 'first export to this folder, as audit export --out does, and check it')
    .option('--dry-run', 'only say what would be deleted')
    .option('--yes', 'do not ask')
    .addHelpText('after', pruneHelp)
    .action(pruneLog);
}

const exportHelp = `
Each line is {"previousHash","hash","entry"}: hash is SHA-256 of the bytes of previousHash and the text of entry. The entry is an array:
revision, position, tenant id, slug, module, kind, id of the row, actor, database role, before, after, time, and the request id if there
is one. The last line is {"head"}. Without --out everything goes to standard output.`;

const pruneHelp = `
The newest 7 days and the newest 2000 revisions always stay: longer than any lease, stale answer, idempotency key and first page of a
gateway needs. A gateway or client that is further behind reads everything again. AUDIT_KEY signs the checkpoint; "doctor audit" then
begins there. The pruning itself is an entry of the log (checkpoint.created). A pruning that broke off goes on when it is called again.`;

interface ExportOptions {
  from?: Date;
  until?: Date;
  out?: string;
}

async function exportEntries({ out, ...range }: ExportOptions): Promise<void> {
  await withApp(
    async ({ database: { pool } }) => {
      if (out !== undefined) {
        const count = await exportToArchive(pool, out, range);
        print(`${count} ${count === 1 ? 'entry' : 'entries'} added to ${out}.`);
        return;
      }
      let last: ChangeLogEntry | undefined;
      await readAuditLog(pool, range, async (entry) => {
        last = entry;
        await write(formatEntry(entry));
      });
      await write(formatHead(last ? `${last.revision}:${last.hash.toString('hex')}` : '0:'));
    },
    { readOnly: true },
  );
}

/** Waits while whoever reads standard output is slow. Bytes are not changed for a terminal: they are what was hashed. */
function write(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

interface VerifyOptions {
  expect?: string;
  json?: true;
}

async function verify(paths: string[], { expect, json }: VerifyOptions): Promise<void> {
  const findings: ChainProblem[] = [];
  const report = await verifyAuditFiles(paths, {
    expect,
    key: readConfig(process.env).auditKey,
    onProblem: (problem) => findings.length < mostShown && findings.push(problem),
  });
  const { entries, head, problems, after, files, checkpoint } = report;
  if (problems > 0) process.exitCode = 1;
  if (json) return print(JSON.stringify({ ...report, findings }));
  if (problems > 0) {
    for (const line of describeProblems(findings, problems)) print(line);
    return print(
      `${problems} ${problems === 1 ? 'problem' : 'problems'} in ${files} ${files === 1 ? 'file' : 'files'}.`,
    );
  }
  print(
    `All ${entries} ${entries === 1 ? 'entry' : 'entries'} in ${files} ${files === 1 ? 'file' : 'files'} are unaltered.`,
  );
  if (after !== null) print(`They begin after ${after}.`);
  print(`Head ${head}`);
  if (checkpoint)
    print(`${checkpoint.isEnd ? 'They end exactly at' : 'They contain'} the checkpoint ${checkpoint.head}.`);
}

interface PruneOptions {
  before: Date;
  archive?: string;
  dryRun?: true;
  yes?: true;
}

async function pruneLog({ before, archive, dryRun, yes }: PruneOptions): Promise<void> {
  if (!dryRun) requireConfirmable('"audit prune"', { ...(yes && { yes }) });
  await withApp(async (app, caller) => {
    const key = app.config.auditKey;
    if (key === undefined)
      throw new Error(
        'audit prune signs a checkpoint with AUDIT_KEY, which is not set: see docs/configuration.md',
      );
    const context = app.commandsFor(caller);
    const plan = await planPruning(context, before, key);
    if (!plan) return print('Nothing to delete: the oldest entry is of that time or must stay.');
    const { from, to } = plan.revisions;
    const what = `revisions ${from} to ${to} of the audit log${archive === undefined ? '' : `, after they are in ${archive}`}`;
    if (dryRun) return print(`Would delete ${what}.`);
    if (
      !yes &&
      !(await confirm(`Delete ${what}? Type the last revision to confirm: `, new RegExp(`^${to}$`)))
    ) {
      process.stderr.write('Nothing was changed.\n');
      process.exitCode = 1;
      return;
    }
    const deleted = await prune(context, plan, { key, archive });
    print(`${deleted} ${deleted === 1 ? 'entry' : 'entries'} deleted, ${what}.`);
    if (plan.isNew) print(`Checkpoint ${to}:${plan.checkpoint.hash}`);
  });
}
