import type { Config } from '../config.js';
import { findServiceProblems } from '../database/find-server-problems.js';
import type { Log } from '../log.js';

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
