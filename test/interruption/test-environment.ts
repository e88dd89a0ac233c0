import type { Config } from '../../src/config.js';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import { type Ground, openGround, type Places } from './provisioning-environment.js';

export interface TestGround extends Ground {
  close(): Promise<void>;
}

/** A ground on the run's server; a place that is given is somewhere else, such as behind a network that fails. */
export async function openTestGround(
  elsewhere: (places: Places) => Promise<Partial<Places>> = async () => ({}),
  settings: Partial<Config> = {},
): Promise<TestGround> {
  const databases = [await createRegistryDatabase(), await createDatabase(), await createDatabase()];
  const [registry = '', one = '', two = ''] = databases.map(({ url }) => url);
  const places = { registry, one, two };
  const ground = await openGround({ ...places, ...(await elsewhere(places)) }, settings);
  const close = async () => {
    await ground[Symbol.asyncDispose]();
    for (const database of databases) await database.drop();
  };
  return { ...ground, close, [Symbol.asyncDispose]: close };
}
