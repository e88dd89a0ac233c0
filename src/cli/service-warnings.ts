import type { App } from '../app.js';
import { operator } from '../auth/caller.js';
import type { Config } from '../config.js';
import { findServiceProblems } from '../database/servers/find-server-problems.js';
import type { Log } from '../log.js';
import { listWrongFiles } from '../provisioning/storage/refused-files.js';

/**
 * Logs what the servers of the modules lack, one line each. Nothing waits for it: a module whose server lacks something, or does not
 * answer, must not keep the others from being served.
 */
export function warnOfServiceDatabases(config: Config, log: Log): void {
  findServiceProblems(config).then(
    (problems) => {
      for (const problem of problems) log.warn(problem);
    },
    (error) => log.warn({ err: error }, 'could not examine the service databases'),
  );
}

/**
 * Logs which SQL files of modules the rules refuse, one line each. Nothing waits for it: existing tenants are served whatever the files of
 * a module say, and only what the file would run for is refused.
 */
export function warnOfModuleFiles(app: App): void {
  const { log } = app;
  listWrongFiles(app.commandsFor(operator('start'))).then(
    (found) => {
      for (const { module, text, ranBefore } of found)
        if (ranBefore)
          log.warn(
            { module },
            `${text} It ran for tenants already, so new tenants get it as well; no rollout runs it.`,
          );
        else log.error({ module }, `${text} No tenant gets it until it is corrected.`);
    },
    (error) => log.warn({ err: error }, 'could not check the SQL files of modules'),
  );
}
