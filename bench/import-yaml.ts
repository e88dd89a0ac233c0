import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp } from '../src/app.js';
import { developer } from '../src/auth/caller.js';
import { readConfig } from '../src/config.js';
import { openClientConfigs } from '../src/importing/yaml/client-configs.js';
import { importYaml } from '../src/importing/yaml/yaml-import.js';
import { openLog } from '../src/log.js';
import { strictConfigRules } from '../src/registry/values/config-rules.js';
import { openPostgresServer } from '../test/setup/postgres-server.js';

/**
 * `npx tsx bench/import-yaml.ts [clients]`: how long a folder of client.yaml files takes to import, to import again, and to be read
 * by a gateway. 5,000 clients, unless told otherwise.
 */
const [clients = 5_000] = process.argv.slice(2).map(Number);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-clients-'));
await using postgres = await openPostgresServer();
await postgres.query('CREATE DATABASE registry');
const app = await openApp(readConfig({ DATABASE_URL: postgres.url('registry') }), openLog('error'), {
  exclusive: false,
});
try {
  for (let number = 0; number < clients; number++) await writeClient(`client-${number}`);
  say(`${clients} folders`);
  await measure('a dry run', () => run({ isDryRun: true }));
  await measure('the import', () => run({ isDryRun: false }));
  await measure('the import again', () => run({ isDryRun: false }));
  const configs = await measure('reading them at the start of a gateway', () =>
    openClientConfigs({ folder, rules: strictConfigRules, log: openLog('error') }),
  );
  await configs.close();
} finally {
  await app.close();
  await rm(folder, { recursive: true });
}

async function measure<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  say(`${what} took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

async function run({ isDryRun }: { isDryRun: boolean }): Promise<void> {
  const options = { includesTests: false, only: [], keepsSource: false, force: false };
  const report = await importYaml(app.commandsFor(developer), { folder, isDryRun, ...options });
  const counts = new Map<string, number>();
  for (const { action } of report.clients) counts.set(action, (counts.get(action) ?? 0) + 1);
  say([...counts].map(([action, count]) => `${count} ${action}`).join(', '));
}

/** About as large as a real one, with a secret and an unknown key. */
async function writeClient(id: string): Promise<void> {
  const destinations = Array.from(
    { length: 12 },
    (_, at) => `  - { name: Place ${at}, code: P${at}, enabled: true, aliases: [Spot ${at}] }`,
  );
  await mkdir(join(folder, id));
  await writeFile(
    join(folder, id, 'client.yaml'),
    `client: { id: ${id}, name: "Client ${id}", timezone: Africa/Nairobi, currency: KES }
branding: { company_name: "${id} Ltd", primary_color: "#0077B6", font: Arial }
destinations:
${destinations.join('\n')}
infrastructure:
  gcp: { project_id: ${id}, dataset: quotes, region: europe-west1 }
  sendgrid: { api_key: "SG.not-a-key.${id}" }
email:
  primary: hello@${id}.example
  smtp: { host: smtp.${id}.example, port: 465, username: run, password: "not-a-secret-${id}" }
consultants:
  - { id: c1, name: Thandi Mokoena, email: thandi@${id}.example, active: true }
agents:
  inbound: { enabled: true, prompt_file: prompts/inbound.txt }
`,
  );
}
