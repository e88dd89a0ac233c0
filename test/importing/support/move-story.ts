import { developer } from '../../../src/auth/caller.js';
import type { ImportReport, ImportRequest } from '../../../src/importing/databases/database-import.js';
import { finishMove, undoMove } from '../../../src/importing/databases/finish.js';
import { followDatabases } from '../../../src/importing/databases/follow.js';
import type { TestGateway } from '../../setup/gateway.js';

const request = { modules: ['operations', 'finance', 'inventory'], isDryRun: false, hasEmbedded: false };

/** A process that follows old tables. */
export interface Follower {
  reports: ImportReport[];
  failures: string[];
  stop(): Promise<'stopped' | 'finished'>;
  ended: Promise<'stopped' | 'finished'>;
}

export function follow(gateway: TestGateway, options: Partial<ImportRequest>): Follower {
  const controller = new AbortController();
  const reports: ImportReport[] = [];
  const failures: string[] = [];
  const ended = followDatabases(gateway.app.commandsFor(developer), {
    ...{ ...request, ...options, intervalMs: 30, signal: controller.signal },
    onReport: (report) => reports.push(report),
    onFailure: (message) => failures.push(message),
  });
  // Whoever waits for the end sees the error.
  ended.catch(() => undefined);
  return {
    ...{ reports, failures, ended },
    stop() {
      controller.abort();
      return ended;
    },
  };
}

export function finish(gateway: TestGateway, options: Partial<ImportRequest> = {}) {
  return finishMove(gateway.app.commandsFor(developer), { ...request, ...options });
}

export function undo(gateway: TestGateway, options: Partial<ImportRequest> = {}) {
  return undoMove(gateway.app.commandsFor(developer), { ...request, ...options });
}

/** "tenants -> tenants_before_registry" */
export function renamings({ tables }: Awaited<ReturnType<typeof finish>>): string[] {
  return tables.map(({ table, renamedTo, why }) => `${table.replace('public.', '')} -> ${renamedTo ?? why}`);
}
