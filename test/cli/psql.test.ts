import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aFolder, run } from '../setup/process.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let tenant: StoryTenant;
let folder: string;
beforeAll(async () => {
  gateway = await openGateway();
  tenant = await aTenant().subscribedTo('finance').at(gateway);
  await gateway.psql(`UPDATE module_subscriptions SET schema_name = $1 WHERE tenant_id = $2`, [
    'odd "na me',
    tenant.id,
  ]);
  folder = await aFolder();
  // Says how it was called, and ends as psql does after an error in a script.
  const script = `#!/bin/sh\nprintf '%s\\n' "$PGPASSWORD" "$PGOPTIONS" "$@"\nexit 3\n`;
  await writeFile(join(folder, 'psql'), script);
  await chmod(join(folder, 'psql'), 0o755);
});
afterAll(() => gateway?.close());

async function called(args: string[], change: (url: URL) => void = () => undefined) {
  const url = new URL(gateway.serviceUrl('finance'));
  url.password = 'p%40ss';
  change(url);
  const env = {
    DATABASE_URL: gateway.registry.url,
    FINANCE_DB_URL: url.href,
    INVENTORY_DB_URL: gateway.serviceUrl('inventory'),
    PATH: `${folder}:${process.env.PATH}`,
  };
  const { code, stdout, stderr } = await run(['psql', ...args], env);
  const [password, options, target = '', ...others] = stdout.split('\n').slice(0, -1);
  return { code, stderr, password, options, target, others };
}

describe('psql', () => {
  test('gets the URL of the module, its own arguments, and the password where other users do not see it', async () => {
    const { target, ...found } = await called(['finance', '--', '-c', 'SELECT 1']);
    expect(found).toEqual({ code: 3, stderr: '', password: 'p@ss', options: '', others: ['-c', 'SELECT 1'] });
    expect(new URL(target).pathname).toBe(new URL(gateway.serviceUrl('finance')).pathname);
    expect(new URL(target).searchParams.has('options')).toBe(false);
  });

  test.each([
    ['', '-c search_path="odd\\ ""na\\ me"'],
    ['-c statement_timeout=5000', '-c statement_timeout=5000 -c search_path="odd\\ ""na\\ me"'],
  ])('gets the schema of a tenant as the last option of the URL: %j', async (given, expected) => {
    const { target } = await called(['finance', '--tenant', tenant.slug], (url) => {
      if (given) url.searchParams.set('options', given);
    });
    expect(target).not.toContain('+');
    expect(new URL(target).searchParams.get('options')).toBe(expected);
  });

  test.each([
    [['nothing'], 'MODULE_NOT_FOUND: There is no module "nothing"'],
    [['inventory', '--tenant'], 'has no storage for inventory'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await called(args.length > 1 ? [...args, tenant.slug] : args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
  });

  test('says when it is not installed', async () => {
    const env = {
      DATABASE_URL: gateway.registry.url,
      FINANCE_DB_URL: gateway.serviceUrl('finance'),
      PATH: '/nowhere',
    };
    expect(await run(['psql', 'finance'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('psql is not installed'),
    });
  });
});
