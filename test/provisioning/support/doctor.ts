import { join } from 'node:path';
import { openApp } from '../../../src/app.js';
import { developer } from '../../../src/auth/caller.js';
import { openLog } from '../../../src/log.js';
import { type Diagnosis, type DoctorOptions, diagnose } from '../../../src/provisioning/doctor/doctor.js';
import type { CommandContext } from '../../../src/registry/command.js';
import type { GatewayWithModules } from './gateway-with-own-modules.js';

/** Runs doctor as the command line does, beside the testbed's gateway. `urls` override variables of databases. */
export interface Doctor extends AsyncDisposable {
  context: CommandContext;
  diagnose(options?: DoctorOptions): Promise<Diagnosis>;
  close(): Promise<void>;
}

export async function openDoctor(
  testbed: GatewayWithModules,
  urls: Record<string, string> = {},
): Promise<Doctor> {
  const { config } = testbed.gateway.app;
  const serviceDatabaseUrls = { ...config.serviceDatabaseUrls, ...urls };
  // The shipped modules have no variable here, and without an embedded PostgreSQL they have no database.
  const dataDir = join(testbed.modulesDir, 'no-data');
  const app = await openApp({ ...config, serviceDatabaseUrls, dataDir }, openLog('silent'), {
    ...{ exclusive: false, readOnly: true },
  });
  const context = app.commandsFor(developer);
  return {
    context,
    diagnose: (options) => diagnose(context, options),
    close: app.close,
    [Symbol.asyncDispose]: app.close,
  };
}
