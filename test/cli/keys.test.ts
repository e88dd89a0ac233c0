import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aDataDir, run, type ServingProcess, serve } from '../setup/process.js';

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const create = (scopes: string, ...more: string[]) => [
  ...['keys', 'create', '--name', 'a service', '--scopes', scopes],
  ...more,
];

describe('keys at the command line', () => {
  let registry: TestDatabase;
  let env: Record<string, string>;
  let gateway: ServingProcess;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    env = { DATABASE_URL: registry.url };
    gateway = await serve(env);
  });
  afterAll(async () => {
    await gateway?.end('SIGTERM');
    await registry?.drop();
  });

  const tenantsWith = (key: string) => gateway.ask('{ tenants { totalCount } }', { key });

  test('--json prints id and secret and nothing else; the key is accepted for its scopes only', async () => {
    const { code, stdout, stderr } = await runHere(create('resolve:finance, registry:read', '--json'), env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\{.*\}\n$/);
    const made = JSON.parse(stdout);
    expect(made).toEqual({
      id: expect.stringMatching(uuid),
      secret: expect.stringMatching(/^trk_[\w-]{43}$/),
    });
    expect((await tenantsWith(made.secret)).body).toEqual({ data: { tenants: { totalCount: 0 } } });
    const beyond = await gateway.ask('mutation { registerTenant(input: { name: "No" }) { revision } }', {
      key: made.secret,
    });
    expect(beyond.codes).toEqual(['FORBIDDEN']);
  });

  test('without --json, the output explains how to send the secret and that it is not shown again', async () => {
    const { code, stdout } = await runHere(create('registry:read'), env);
    expect(code).toBe(0);
    const [, id, secret] = /^Key (\S+)\nSecret (\S+)\n/.exec(stdout) ?? [];
    expect(stdout).toBe(
      `Key ${id}\nSecret ${secret}\nThe secret is not shown again. Send it as "Authorization: Bearer ${secret}".\n`,
    );
    expect((await tenantsWith(secret ?? '')).status).toBe(200);
    const listed = await runHere(['keys', 'list'], env);
    const inOneYear = new RegExp(`${id}  until \\d{4}-\\d\\d-\\d\\dT\\S+Z  a service  registry:read\\n`);
    expect(listed.stdout).toMatch(inOneYear);
    expect(listed.stdout).not.toContain(secret);
  });

  test('list shows every key without its secret, also as JSON', async () => {
    const made = JSON.parse(
      (await runHere(create('resolve:*', '--json', '--expires', '2099-01-31T00:00:00Z'), env)).stdout,
    );
    const { stdout } = await runHere(['keys', 'list', '--json'], env);
    const listed: Record<string, unknown>[] = JSON.parse(stdout);
    expect(listed.find(({ id }) => id === made.id)).toMatchObject({
      name: 'a service',
      scopes: ['resolve:*'],
      expiresAt: '2099-01-31T00:00:00.000Z',
      revokedAt: null,
      createdBy: expect.stringMatching(/^operator:./),
    });
    expect(stdout).not.toMatch(/trk_|secret|hash/i);
    expect((await runHere(['keys', 'list'], env)).stdout).toContain(
      `${made.id}  until 2099-01-31T00:00:00.000Z  `,
    );
  });

  test('a revoked key is rejected at once; revoking it again changes nothing', async () => {
    const { id, secret } = JSON.parse((await runHere(create('registry:read', '--json'), env)).stdout);
    expect((await tenantsWith(secret)).status).toBe(200);
    for (let time = 0; time < 2; time++)
      expect(await runHere(['keys', 'revoke', id], env)).toMatchObject({
        code: 0,
        stdout: `Key ${id} is revoked.\n`,
        stderr: '',
      });
    const again = await runHere(['keys', 'revoke', id, '--json'], env);
    expect(JSON.parse(again.stdout)).toEqual({ id, revision: expect.any(String) });
    expect(await tenantsWith(secret)).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    expect((await runHere(['keys', 'list'], env)).stdout).toContain(`${id}  revoked  `);
  });

  test('a key is replaced by rotate, and is accepted until the end of the overlap', async () => {
    const { id, secret } = JSON.parse((await runHere(create('registry:read', '--json'), env)).stdout);
    const rotated = await runHere(['keys', 'rotate', id, '--overlap', '600', '--json'], env);
    expect({ code: rotated.code, stderr: rotated.stderr }).toEqual({ code: 0, stderr: '' });
    const successor = JSON.parse(rotated.stdout);
    expect(successor).toEqual({
      id: expect.stringMatching(uuid),
      secret: expect.stringMatching(/^trk_[\w-]{43}$/),
    });
    expect([(await tenantsWith(secret)).status, (await tenantsWith(successor.secret)).status]).toEqual([
      200, 200,
    ]);
    expect((await runHere(['keys', 'list'], env)).stdout).toMatch(
      new RegExp(`${id}  until \\S+Z, expires in 1 day: rotate it  `),
    );
    const atOnce = await runHere(['keys', 'rotate', successor.id, '--overlap', '0'], env);
    expect(atOnce.stdout).toMatch(/^Key \S+\nSecret trk_\S+\n/);
    expect((await tenantsWith(successor.secret)).status).toBe(401);
    expect((await runHere(['keys', 'list'], env)).stdout).toMatch(
      new RegExp(`${successor.id}  expired \\S+Z  `),
    );
  });

  test('the default lifetime of a key is that of API_KEY_LIFETIME_DAYS, and list warns of its end', async () => {
    const short = { ...env, API_KEY_LIFETIME_DAYS: '14' };
    const { id } = JSON.parse((await runHere(create('registry:read', '--json'), short)).stdout);
    expect((await runHere(['keys', 'list'], env)).stdout).toContain('expires in 14 days: rotate it');
    const listed: Record<string, string>[] = JSON.parse(
      (await runHere(['keys', 'list', '--json'], env)).stdout,
    );
    const expiresAt = listed.find((key) => key.id === id)?.expiresAt ?? '';
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / 86_400_000)).toBe(14);
  });

  const expectsDate = 'Expected a date such as 2027-01-31T00:00:00Z.';
  test.each([
    ['an unknown scope', create('registry:read,root'), /^VALIDATION_ERROR: scopes\.1: .*registry:read/],
    ['no scope', create(''), /^VALIDATION_ERROR: scopes/],
    ['no name', create('registry:read').with(3, ' '), /^VALIDATION_ERROR: name: must not be empty$/],
    [
      'a missing option',
      ['keys', 'create', '--name', 'x'],
      /^error: required option '--scopes <scopes>' not /,
    ],
    [
      'a malformed date',
      create('registry:read', '--expires', 'tomorrow'),
      `error: option '--expires <date>' argument 'tomorrow' is invalid. ${expectsDate}`,
    ],
    [
      'a date in the past',
      create('registry:read', '--expires', '2020-01-31'),
      'VALIDATION_ERROR: expiresAt: must be in the future',
    ],
    ['a malformed id', ['keys', 'revoke', 'mine'], 'VALIDATION_ERROR: id: must be a UUID'],
    [
      'an unknown id',
      ['keys', 'revoke', '00000000-0000-4000-8000-000000000000'],
      'NOT_FOUND: id: no API key has the id 00000000-0000-4000-8000-000000000000',
    ],
    [
      'an unknown id to rotate',
      ['keys', 'rotate', '00000000-0000-4000-8000-000000000000'],
      'NOT_FOUND: id: no API key has the id 00000000-0000-4000-8000-000000000000',
    ],
    ['no id', ['keys', 'revoke'], "error: missing required argument 'id'"],
  ])('%s is refused with a message that names it', async (_what, args, complaint) => {
    const { code, stdout, stderr } = await runHere(args, env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [first, ...rest] = stderr.trimEnd().split('\n');
    if (typeof complaint === 'string') expect(first).toBe(complaint);
    else expect(first).toMatch(complaint);
    expect(rest).toEqual(
      first?.startsWith('error:') ? ['(--help lists the arguments and options of a command)'] : [],
    );
  });
});

describe('keys of the embedded database', () => {
  test('are created while the gateway runs and while it does not, and are accepted from then on', async () => {
    const env = { DATA_DIR: await aDataDir() };
    const secretOf = async () => {
      const { code, stdout, stderr } = await run(create('registry:read', '--json'), env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout).secret as string;
    };
    // The very first command on an empty folder.
    const first = await secretOf();
    await using gateway = await serve({ ...env, AUTH_MODE: 'required' });
    const second = await secretOf();
    for (const key of [first, second])
      expect((await gateway.ask('{ tenants { totalCount } }', { key })).body).toEqual({
        data: { tenants: { totalCount: 2 } },
      });
    expect((await gateway.ask('{ tenants { totalCount } }')).codes).toEqual(['UNAUTHENTICATED']);
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});
