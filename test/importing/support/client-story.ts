import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { developer } from '../../../src/auth/caller.js';
import {
  type ClientEntry,
  importYaml,
  type YamlImportReport,
  type YamlImportRequest,
} from '../../../src/importing/yaml/yaml-import.js';
import type { TestGateway } from '../../setup/gateway.js';
import { aFolder } from '../../setup/process.js';

export const fixtures = new URL('../../fixtures/clients', import.meta.url).pathname;

/** A folder of clients with these files, by id. */
export async function aClientsFolder(files: Record<string, string> = {}): Promise<string> {
  const folder = join(await aFolder(), 'clients');
  await mkdir(folder);
  for (const [id, text] of Object.entries(files)) await writeClient(folder, id, text);
  return folder;
}

/** A copy of the example clients, which a test may change. */
export async function aCopyOfFixtures(): Promise<string> {
  const folder = join(await aFolder(), 'clients');
  await cp(fixtures, folder, { recursive: true });
  return folder;
}

export async function writeClient(folder: string, id: string, text: string): Promise<void> {
  await mkdir(join(folder, id), { recursive: true });
  await writeFile(join(folder, id, 'client.yaml'), text);
}

/** The text of a valid file, with `more` at its end. */
export function clientYaml(id: string, more = ''): string {
  return `client: { id: ${id} }\nemail: { primary: hello@${id}.example }\n${more}`;
}

export async function importClients(
  gateway: TestGateway,
  folder: string,
  options: Partial<YamlImportRequest> = {},
): Promise<YamlImportReport> {
  return importYaml(gateway.app.commandsFor(developer), {
    folder,
    isDryRun: false,
    includesTests: false,
    only: [],
    keepsSource: false,
    force: false,
    ...options,
  });
}

/** The outcome for each client, such as "acme: create". */
export function outcomes({ clients }: YamlImportReport): string[] {
  return clients.map(({ id, action }) => `${id}: ${action}`);
}

export function entryOf({ clients }: YamlImportReport, id: string): ClientEntry {
  const entry = clients.find((one) => one.id === id);
  if (!entry) throw new Error(`the report has no entry for ${id}`);
  return entry;
}
