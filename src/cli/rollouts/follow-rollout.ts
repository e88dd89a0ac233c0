import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../../app.js';
import { RolloutDuty } from '../../provisioning/rollout/lead/rollout-duty.js';
import { type RolloutSheet, readRolloutSheet } from '../../provisioning/rollout/reads/rollout-sheet.js';
import { isOpen } from '../../provisioning/rollout/rollout.js';
import type { CommandContext } from '../../registry/command.js';
import { stopSignal } from '../stop-signal.js';
import { print, withApp } from '../with-app.js';
import { toFullJson } from './rollout-form.js';
import { describeFailure, describeState, openRolloutView } from './rollout-view.js';

const pollMs = 300;

/**
 * Begins a rollout, or lets one go on, and follows it until it ends or pauses. This process leads it unless a gateway or a worker does.
 * On Ctrl-C it stops after the tenants that are being migrated, and another process goes on.
 */
export async function followRollout(
  begin: (commands: CommandContext) => Promise<{ rolloutId: string }>,
  options: { json?: true },
): Promise<void> {
  let received: NodeJS.Signals | undefined;
  const stopping = new AbortController();
  void stopSignal().then((signal) => {
    received = signal;
    stopping.abort();
  });
  await withApp(
    async (app, caller) => {
      const { rolloutId } = await begin(app.commandsFor(caller));
      report(await leadToEnd(app, app.commandsFor(caller), rolloutId, stopping.signal), options, received);
    },
    { logLevel: 'error' },
  );
  if (received) process.exit(128 + constants.signals[received]);
}

async function leadToEnd(
  { database, config: { heartbeatMs, takeOverAfterMs } }: App,
  commands: CommandContext,
  rolloutId: string,
  signal: AbortSignal,
): Promise<RolloutSheet> {
  const duty = new RolloutDuty({ heartbeatMs, takeOverAfterMs });
  const view = openRolloutView();
  const over = new AbortController();
  let isToldOf = false;
  const leading = AbortSignal.any([signal, over.signal]);
  try {
    for (;;) {
      await duty.run(commands, leading);
      const sheet = await readRolloutSheet(database, rolloutId);
      view.show(sheet);
      const refusal = duty.refused.get(rolloutId);
      if (refusal !== undefined && !isToldOf) {
        process.stderr.write(
          `This process does not lead the rollout, and waits for another one that does: ${refusal}\n`,
        );
        isToldOf = true;
      }
      if (sheet.rollout.status !== 'RUNNING' && sheet.counts.RUNNING === 0) return sheet;
      if (signal.aborted) return sheet;
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    over.abort();
    view.end();
    await duty.ended();
  }
}

function report(
  sheet: RolloutSheet,
  { json }: { json?: true },
  interruptedBy: NodeJS.Signals | undefined,
): void {
  const { rollout, failed } = sheet;
  if (rollout.status !== 'SUCCEEDED') process.exitCode = 1;
  if (json) {
    print(JSON.stringify(toFullJson(sheet)));
    return;
  }
  if (interruptedBy && isOpen(rollout)) {
    process.stderr.write(
      `Interrupted. Rollout ${rollout.id} continues when a gateway or "tenant-registry worker" runs.\n`,
    );
    return;
  }
  print(`Rollout ${rollout.id}: ${describeState(sheet)}.`);
  for (const tenant of failed) print(`  ${describeFailure(tenant)}`);
  if (rollout.pauseReason !== null) print(`${rollout.pauseReason}.`);
  const next = wayOut(sheet);
  if (next !== undefined) print(next);
}

/** How to go on with a rollout that did not succeed. */
export function wayOut({ rollout: { id, status } }: RolloutSheet): string | undefined {
  if (status === 'PAUSED')
    return `"rollout resume ${id}" goes on, "rollout retry ${id}" also repeats what failed, "rollout cancel ${id}" ends it.`;
  if (status === 'FAILED') return `Correct the errors, then "rollout retry ${id}" repeats what failed.`;
  return undefined;
}
