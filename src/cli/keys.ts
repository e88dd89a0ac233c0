import { type Command, InvalidArgumentError } from 'commander';
import { authorize, scopeList } from '../auth/permissions.js';
import { createApiKey } from '../registry/commands/create-api-key.js';
import { revokeApiKey } from '../registry/commands/revoke-api-key.js';
import { oneLine } from './printable.js';
import { print, withApp } from './with-app.js';

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: what services and scripts are let in with.');
  keys
    .command('create')
    .description('Make a key and print its secret, once.')
    .requiredOption('--name <name>', 'whose key it is')
    .requiredOption('--scopes <scopes>', `what it opens, separated by commas: ${scopeList}`)
    .option('--expires <date>', 'when it ends, such as 2027-01-31T00:00:00Z', readDate)
    .option('--json', 'print {"id","secret"}')
    .action(createKey);
  keys.command('list').description('Show all keys.').option('--json', 'print a JSON array').action(listKeys);
  keys.command('revoke <id>').description('Make a key open nothing from now on.').action(revokeKey);
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
        : `Key ${apiKeyId}\nSecret ${secret}\nIt is not shown again. Send it as "Authorization: Bearer ${secret}".`,
    );
  });
}

function readDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is no date such as 2027-01-31T00:00:00Z.');
  return date;
}

async function listKeys(options: { json?: true }): Promise<void> {
  await withApp(async (app, caller) => {
    authorize(caller, 'listApiKeys');
    const keys = await app.database.prisma.apiKey.findMany({
      omit: { secretHash: true },
      orderBy: { createdAt: 'asc' },
    });
    if (options.json) return print(JSON.stringify(keys));
    if (keys.length === 0) return print('There are no keys; make one with "tenant-registry keys create".');
    for (const { id, name, scopes, expiresAt, revokedAt } of keys) {
      const end = revokedAt ? 'revoked' : expiresAt ? `until ${expiresAt.toISOString()}` : 'valid';
      print(`${id}  ${end}  ${oneLine(name)}  ${oneLine(scopes.join(','))}`);
    }
  });
}

async function revokeKey(id: string): Promise<void> {
  await withApp(async (app, caller) => {
    await revokeApiKey(app.commandsFor(caller), { id });
    print(`Key ${id} opens nothing any more.`);
  });
}
