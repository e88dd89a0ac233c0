import type { App } from '../../app.js';
import type { Caller } from '../../auth/caller.js';
import { type ImportRequest, importDatabases } from '../../importing/databases/database-import.js';
import { finishMove, type MoveReport, undoMove } from '../../importing/databases/finish.js';
import { followDatabases } from '../../importing/databases/follow.js';
import { stopSignal } from '../stop-signal.js';
import { oneLine, printable } from '../terminal/printable.js';
import { print, withApp } from '../with-app.js';
import { describeEvent, FollowEvents } from './follow-lines.js';
import { describeImport } from './import-report.js';
import { describeFinish, describeUndo } from './move-report.js';

/** The request of a command, which needs the opened app for its defaults. */
export type RequestFor = (app: App) => ImportRequest;

/** Follows the old tables until a stop signal, or until another process has finished the move. */
export async function follow(
  requestFor: RequestFor,
  { intervalMs, isJson }: { intervalMs: number; isJson: boolean },
): Promise<void> {
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  const events = new FollowEvents();
  const tell = (event: object, line: string) => {
    const at = new Date().toISOString();
    print(isJson ? JSON.stringify({ at, ...event }) : `${at} ${line}`);
  };
  const ended = await withApp((app, caller: Caller) =>
    followDatabases(app.commandsFor(caller), {
      ...requestFor(app),
      ...{ intervalMs, signal: controller.signal },
      onReport(report) {
        for (const event of events.read(report)) tell(event, describeEvent(event));
        if (!hasBegun) tell({ kind: 'following' }, `following, every ${intervalMs / 1_000} s`);
        hasBegun = true;
      },
      onFailure(message) {
        process.stderr.write(`${printable(oneLine(message))}\n`);
      },
    }),
  );
  const line =
    ended === 'finished'
      ? 'finished: the old tables were renamed'
      : 'stopped: the same command goes on, and --finish ends the move';
  tell({ kind: ended }, line);
  // An interrupted step may still hold a connection open.
  process.exit();
}

/** Whether the first run has ended. */
let hasBegun = false;

/** Ends a move, or undoes its end. */
export async function endMove(
  requestFor: RequestFor,
  { isUndo, isJson }: { isUndo: boolean; isJson: boolean },
): Promise<void> {
  let isDryRun = false;
  const report = await withApp((app, caller): Promise<MoveReport> => {
    const request = requestFor(app);
    ({ isDryRun } = request);
    return isUndo ? undoMove(app.commandsFor(caller), request) : finishMove(app.commandsFor(caller), request);
  });
  if (isJson) print(JSON.stringify(report));
  else {
    if (!isUndo) for (const line of describeImport(report.report)) print(line);
    const describe = isUndo ? describeUndo : describeFinish;
    for (const line of describe(report, isDryRun)) print(line);
  }
  if (report.reasons.length > 0) process.exitCode = 1;
}

/** Shows what following would take over first. */
export async function planFollowing(requestFor: RequestFor, isJson: boolean): Promise<void> {
  const report = await withApp((app, caller) =>
    importDatabases(app.commandsFor(caller), { ...requestFor(app), isDryRun: true, keepsTables: true }),
  );
  if (isJson) print(JSON.stringify(report));
  else for (const line of describeImport(report)) print(line);
}
