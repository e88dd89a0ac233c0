import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from '@graphql-codegen/cli';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aFolder } from '../setup/process.js';
import { aTenant } from '../setup/stories.js';
import { skips } from './installed.js';

let gateway: TestGateway;
let endpoint: string;
beforeAll(async () => {
  gateway = await openGateway();
  endpoint = `${gateway.url}/graphql`;
  await aTenant({ name: 'Acme', slug: 'acme' }).subscribedTo('finance').at(gateway);
});
afterAll(() => gateway?.close());

async function run(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, script), ...args],
    {
      timeout: 120_000,
    },
  );
  return stdout;
}

const asked = { route: 'finance_acme', refused: 'TENANT_NOT_FOUND' };
const change = 'TENANT_REGISTERED';

describe.skipIf(skips)('a gateway answers what GraphQL clients send by default:', () => {
  test.each<[string, object]>([
    ['Apollo Client 3', { ...asked, change }],
    ['Apollo Client 4', { ...asked, change }],
    ['Apollo Client 3 with persisted queries', { ...asked, change }],
    ['Apollo Client 4 with persisted queries', { ...asked, change }],
    ['urql', { ...asked, change }],
    ['graphql-request', asked],
    ['graphql-http', asked],
    ['graphql-sse, distinct connections', { change }],
    [
      'graphql-sse, single connection',
      {
        told: 'Server responded with 405: Method Not Allowed',
        refusal: expect.stringContaining(
          'single connection mode of GraphQL over Server-Sent Events is not supported',
        ),
      },
    ],
  ])('%s', async (client, expected) => {
    expect(JSON.parse(await run('ask.js', client, endpoint))).toEqual(expected);
  });

  test('relay-compiler, whose text of a connection is answered', async () => {
    const query = await run('relay.js', endpoint, await aFolder());
    expect(query).toContain('__typename');
    const { data, errors } = await gateway.ask(query, { after: null });
    expect(errors).toEqual([]);
    expect(data.tenants.edges[0]).toMatchObject({
      node: { slug: 'acme', subscriptions: [{ schemaName: 'finance_acme' }], __typename: 'Tenant' },
    });
  });
});

test('GraphQL Code Generator reads the schema of a gateway', async () => {
  const file = join(await aFolder(), 'types.ts');
  await generate(
    {
      schema: endpoint,
      silent: true,
      generates: { [file]: { plugins: ['typescript-operations'] } },
      documents: 'src/client/lookup.ts',
    },
    true,
  );
  expect(readFileSync(file, 'utf8')).toContain('tenantSchemas');
});
