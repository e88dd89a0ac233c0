import type { Command } from 'commander';
import { authorize, scopeList } from '../auth/permissions.js';
import { listApiKeys } from '../registry/api-key-record.js';
import { createApiKey } from '../registry/commands/create-api-key.js';
import { revokeApiKey } from '../registry/commands/revoke-api-key.js';
import { readDate } from './option.js';
import { oneLine } from './printable.js';
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
      'when the key expires, such as 2027-01-31T00:00:00Z; default: never',
      readDate,
    )
    .option('--json', 'print {"id","secret"}')
    .action(createKey);
  keys.command('list').description('List all keys.').option('--json', 'print a JSON array').action(printKeys);
  keys
    .command('revoke <id>')
    .description('Revoke a key: requests with it are rejected from now on.')
    .action(revokeKey);
}

async function createKey(options: {
  name: string;
  scopes: string;
  expires?: Date;
  json?: true;
}): Promise<void> {
  await withApp(async (app, caller) => {
    const { apiKeyId, secret } = await createApiKey(app.commandsFor(caller), {
      name: options.name,
      scopes: options.scopes.split(',').map((scope) => scope.trim()),
      expiresAt: options.expires,
    });
    print(
      options.json
        ? JSON.stringify({ id: apiKeyId, secret })
        : `Key ${apiKeyId}\nSecret ${secret}\nThe secret is not shown again. Send it as "Authorization: Bearer ${secret}".`,
    );
  });
}

async function printKeys(options: { json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    authorize(caller, 'listApiKeys');
    const keys = await listApiKeys(app.database);
    if (options.json) return print(JSON.stringify(keys));
    if (keys.length === 0) return print('There are no keys; "tenant-registry keys create" creates one.');
    for (const { id, name, scopes, expiresAt, revokedAt } of keys) {
      const end = revokedAt ? 'revoked' : expiresAt ? `until ${expiresAt.toISOString()}` : 'valid';
      print(`${id}  ${end}  ${oneLine(name)}  ${oneLine(scopes.join(','))}`);
    }
  });
}

async function revokeKey(id: string): Promise<void> {
  await withApp(async (app, caller) => {
    await revokeApiKey(app.commandsFor(caller), { id });
    print(`Key ${id} is revoked.`);
  });
}
