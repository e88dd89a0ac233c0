import type { Command } from 'commander';
import { expiresSoon } from '../auth/keys-in-use.js';
import { authorize, scopeList } from '../auth/permissions.js';
import { listApiKeys } from '../registry/access/api-key-record.js';
import { createApiKey } from '../registry/commands/create-api-key.js';
import { revokeApiKey } from '../registry/commands/revoke-api-key.js';
import { defaultOverlapSeconds, rotateApiKey } from '../registry/commands/rotate-api-key.js';
import { listModules } from '../registry/modules/module-record.js';
import { readDate, readWholeNumber } from './option.js';
import { oneLine } from './terminal/printable.js';
import { print, withApp } from './with-app.js';

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('Manage API keys, the credentials of services and scripts.');
  keys
    .command('create')
    .description('Create a key and print its secret, which is not shown again.')
    .requiredOption('--name <name>', 'name of the key’s owner')
    .requiredOption('--scopes <scopes>', `scopes, separated by commas: ${scopeList}`)
    .option(
      '--expires <date>',
      'when the key expires, such as 2027-01-31T00:00:00Z; default: after API_KEY_LIFETIME_DAYS',
      readDate,
    )
    .option('--json', 'print {"id","secret"}')
    .action(createKey);
  keys.command('list').description('List all keys.').option('--json', 'print a JSON array').action(printKeys);
  keys
    .command('rotate <id>')
    .description('Replace a key by a new one with the same name and scopes, and print the new secret.')
    .option(
      '--overlap <seconds>',
      `how long the previous key is still accepted; default: ${defaultOverlapSeconds}, one day`,
      readWholeNumber,
    )
    .option('--json', 'print {"id","secret"}')
    .action(rotateKey);
  keys
    .command('revoke <id>')
    .description('Revoke a key: requests with it are rejected from now on.')
    .option('--json', 'print {"id","revision"}')
    .action(revokeKey);
}

async function createKey(options: {
  name: string;
  scopes: string;
  expires?: Date;
  json?: true;
}): Promise<void> {
  const scopes = options.scopes.split(',').map((scope) => scope.trim());
  await withApp(async (app, caller) => {
    const modules = (await listModules(app.database)).map(({ name }) => name);
    const { apiKeyId, secret } = await createApiKey(app.commandsFor(caller), {
      name: options.name,
      scopes,
      expiresAt: options.expires,
    });
    printSecret(apiKeyId, secret, options);
    warnOfUnknownModules(scopes, modules);
  });
}

/** A key may be made before its module, so a misspelt name is no error. */
function warnOfUnknownModules(scopes: readonly string[], modules: readonly string[]): void {
  const named = scopes.flatMap((scope) =>
    scope.startsWith('resolve:') ? scope.slice('resolve:'.length) : [],
  );
  for (const name of new Set(named))
    if (name !== '*' && !modules.includes(name))
      process.stderr.write(
        `Warning: there is no module "${name}", so resolve:${name} resolves nothing yet; the modules are ${modules.join(', ')}\n`,
      );
}

async function rotateKey(id: string, options: { overlap?: number; json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    const { apiKeyId, secret } = await rotateApiKey(app.commandsFor(caller), {
      id,
      overlapSeconds: options.overlap,
    });
    printSecret(apiKeyId, secret, options);
  });
}

function printSecret(id: string, secret: string | null, { json }: { json?: true }): void {
  print(
    json
      ? JSON.stringify({ id, secret })
      : `Key ${id}\nSecret ${secret}\nThe secret is not shown again. Send it as "Authorization: Bearer ${secret}".`,
  );
}

async function printKeys(options: { json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    authorize(caller, 'listApiKeys');
    const keys = await listApiKeys(app.database);
    if (options.json) return print(JSON.stringify(keys));
    if (keys.length === 0) return print('There are no keys; "tenant-registry keys create" creates one.');
    for (const key of keys)
      print(`${key.id}  ${describeEnd(key)}  ${oneLine(key.name)}  ${oneLine(key.scopes.join(','))}`);
  });
}

function describeEnd({ expiresAt, revokedAt }: { expiresAt: Date | null; revokedAt: Date | null }): string {
  if (revokedAt) return 'revoked';
  if (!expiresAt) return 'valid, never expires';
  const now = Date.now();
  if (expiresAt.getTime() <= now) return `expired ${expiresAt.toISOString()}`;
  const until = `until ${expiresAt.toISOString()}`;
  if (!expiresSoon(expiresAt.getTime(), now)) return until;
  const days = Math.ceil((expiresAt.getTime() - now) / 86_400_000);
  return `${until}, expires in ${days} ${days === 1 ? 'day' : 'days'}: rotate it`;
}

async function revokeKey(id: string, options: { json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    const { apiKeyId, revision } = await revokeApiKey(app.commandsFor(caller), { id });
    print(options.json ? JSON.stringify({ id: apiKeyId, revision }) : `Key ${id} is revoked.`);
  });
}
