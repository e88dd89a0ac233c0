import type { Command } from 'commander';
import type { App } from '../../app.js';
import { cancelOperation } from '../../provisioning/commands/cancel-operation.js';
import { retryOperation } from '../../provisioning/commands/retry-operation.js';
import { requireOperationRecord } from '../../provisioning/operations/reads/operation-record.js';
import type { CommandContext } from '../../registry/command.js';
import { oneLine } from '../terminal/printable.js';
import { print, withApp } from '../with-app.js';
import { followOperation } from './follow-operation.js';
import { toFullJson } from './operation-form.js';

/** A verb that changes the course of an operation. */
interface ControlVerb {
  command: (context: CommandContext, input: unknown) => Promise<{ operationId: string; revision: string }>;
  description: string;
  /** The statuses at the end that the verb is for. */
  wanted: readonly string[];
  /** Says what holds without --wait. */
  begun: string;
}

const verbs: Record<string, ControlVerb> = {
  retry: {
    command: retryOperation,
    description: 'Run an operation again that failed, was undone or cancelled, or that needs attention.',
    wanted: ['SUCCEEDED'],
    begun: 'is queued: a gateway or "tenant-registry worker" runs it',
  },
  cancel: {
    command: cancelOperation,
    description:
      'Cancel an operation: a queued one ends at once, the steps of a running one are undone, and one on many tenants leaves out the rest.',
    wanted: ['CANCELLED', 'COMPENSATED'],
    begun: 'ends before its next step or its next tenants',
  },
};

export function addOperationControl(operation: Command): void {
  for (const [verb, control] of Object.entries(verbs))
    operation
      .command(`${verb} <id>`)
      .description(control.description)
      .option('--no-wait', 'do not wait for the end of the operation')
      .option('--json', 'print the operation as "operation show" does, with the revision')
      .addHelpText(
        'after',
        `\nExamples:\n\n  tenant-registry operation ${verb} <id>\n  tenant-registry operation ${verb} <id> --no-wait`,
      )
      .action((id: string, options: Options) =>
        (options.wait ? runToEnd : runWithoutWaiting)(control, id, options),
      );
}

interface Options {
  wait: boolean;
  json?: true;
}

function runToEnd({ command, wanted }: ControlVerb, id: string, options: Options): Promise<void> {
  return followToEnd((commands) => command(commands, { id }), wanted, options);
}

/** Follows an operation, and says how it has ended. The exit code is 0 only in one of the wanted statuses. */
export async function followToEnd(
  begin: (commands: CommandContext) => Promise<{ operationId: string }>,
  wanted: readonly string[],
  options: { json?: true },
): Promise<void> {
  await followOperation({
    begin,
    async report(app, { operation, revision }) {
      const { id, status, error } = operation;
      const isDone = wanted.includes(status);
      if (!isDone) process.exitCode = 1;
      if (options.json) return printOperation(app, id, revision);
      const state = `Operation ${id} is ${status.toLowerCase().replaceAll('_', ' ')}`;
      if (isDone) print(`${state}.`);
      else
        process.stderr.write(
          `${state}: ${oneLine(error ?? 'it ended before the command')}; see "operation show ${id}"\n`,
        );
    },
  });
}

async function runWithoutWaiting(
  { command, begun }: ControlVerb,
  id: string,
  options: Options,
): Promise<void> {
  await withApp(async (app, caller) => {
    // A gateway or worker finds the operation in the registry.
    const commands = { ...app.commandsFor(caller), runOperation: async () => undefined };
    const { revision } = await command(commands, { id });
    if (options.json) return printOperation(app, id, revision);
    print(`Operation ${id} ${begun}; "operation show ${id}" shows its steps.`);
  });
}

async function printOperation({ database }: App, id: string, revision: string): Promise<void> {
  print(JSON.stringify({ ...toFullJson(await requireOperationRecord(database, id)), revision }));
}
