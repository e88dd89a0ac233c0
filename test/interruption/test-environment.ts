import type { Config } from '../../src/config.js';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import {
  type DatabaseUrls,
  openProvisioningEnvironment,
  type ProvisioningEnvironment,
} from './provisioning-environment.js';

export interface TestEnvironment extends ProvisioningEnvironment {
  close(): Promise<void>;
}

/** An environment on the test run's server. `elsewhere` may replace URLs, for example by one of a proxy that fails. */
export async function openTestEnvironment(
  elsewhere: (urls: DatabaseUrls) => Promise<Partial<DatabaseUrls>> = async () => ({}),
  settings: Partial<Config> = {},
): Promise<TestEnvironment> {
  const databases = [await createRegistryDatabase(), await createDatabase(), await createDatabase()];
  const [registry = '', one = '', two = ''] = databases.map(({ url }) => url);
  const urls = { registry, one, two };
  const environment = await openProvisioningEnvironment({ ...urls, ...(await elsewhere(urls)) }, settings);
  const close = async () => {
    await environment[Symbol.asyncDispose]();
    for (const database of databases) await database.drop();
  };
  return { ...environment, close, [Symbol.asyncDispose]: close };
}
