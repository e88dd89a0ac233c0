import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSecret, findSecrets, redactSecrets } from '../../src/registry/values/secret-detector.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { createRandom } from '../setup/random.js';
import { seed } from '../setup/seed.js';
import { ordinaryConfig, placeSecret, secretKinds } from './support/secret-samples.js';

const random = createRandom(seed);
const kinds = Object.entries(secretKinds);
const configsWithSecret = Array.from({ length: 500 }, (_, at) => {
  const [kind, make] = kinds[at % kinds.length] as (typeof kinds)[number];
  const config = ordinaryConfig(random);
  const text = make(random);
  return { kind, config, text, path: placeSecret(random, config, text) };
});
const ordinary = Array.from({ length: 1_000 }, () => ordinaryConfig(random));

test('at least 99 of 100 secrets of 20 kinds are found, at any place of a configuration', () => {
  expect(kinds).toHaveLength(20);
  const missed = configsWithSecret.filter(
    ({ config, path }) => !findSecrets(config).some((found) => found.path === path),
  );
  expect(missed.map(({ kind, text }) => `${kind}: ${text}`).slice(5)).toEqual([]);
});

test('at most one of 100 ordinary configurations causes a false alarm', () => {
  const suspected = ordinary.flatMap((config) => findSecrets(config).slice(0, 1));
  expect(suspected.slice(10)).toEqual([]);
});

test('the report about a secret never contains a part of it', () => {
  for (const { config, text } of configsWithSecret) {
    const report = JSON.stringify(findSecrets(config));
    for (let at = 0; at + 8 <= text.length; at += 8) expect(report).not.toContain(text.slice(at, at + 8));
  }
});

describe('a text', () => {
  test.each([
    ['api_key', 'abc'],
    ['password', 'hunter2-plain-in-yaml'],
    ['smtpPassword', 'x'],
    ['smtp.password', 'x'],
    ['api-key', 'x'],
    ['anon_key', 'eyJ-example-anon.eyJ-example.not-a-signature'],
    ['client_secret', `\${A} and more`],
    ['note', 'eyJ-example-anon.eyJ-example.not-a-signature'],
    ['note', 'SG.example-not-a-key.example-not-a-secret'],
    ['note', 'redis://:hunter2@cache.example'],
    ['note', 'trk_0123456789abcdef0123456789abcdef'],
    // 40 characters with three turns, as a secret key of AWS can be.
    ['note', 'EVKQzqm+ZFoInpAlXfpjwTqpTqrcaHE8CWoy/E/i'],
    // 24 random bytes in base64, with four turns.
    ['note', 'CM93UljzLzfwQz+UFbl+iFLOCADH/MCe'],
  ])('under %s is refused: %s', (key, text) => {
    expect(findSecret(key, text)).toBeTypeOf('string');
  });

  test.each([
    ['api_key', `\${ACME_KEY}`],
    ['api_key', ''],
    ['key', 'ZNZ'],
    ['model', 'gpt-4o-mini-2024-07-18'],
    ['email_signature', 'Bearer of good news: Basic Travel'],
    ['name', 'McDonaldMacAllisterVanDerMerweTravelCompany'],
    ['url', 'https://user@cdn.example.com:8443/3f2a9c1b77d04e5f9a8b7c6d5e4f3a2b.png?v=12'],
    ['tokens', 'none'],
    ['keyboard', 'qwertz'],
  ])('under %s is accepted: %s', (key, text) => {
    expect(findSecret(key, text)).toBeUndefined();
  });

  test('that is used as a key is not repeated in the report', () => {
    const token = secretKinds['GitHub token']?.(random) ?? '';
    expect(findSecrets({ extensions: { [token]: { password: 'x' } } })).toEqual([
      { path: 'extensions.…', looksLike: 'a secret as the name of a key' },
      { path: 'extensions.….password', looksLike: 'a secret' },
    ]);
  });

  test('of half a million characters is searched without quadratic time', () => {
    for (const text of [
      'a'.repeat(500_000),
      'eyJ'.repeat(170_000),
      'a:/'.repeat(170_000),
      'a1'.repeat(250_000),
      'password '.repeat(60_000),
      '-----BEGIN A-----'.repeat(30_000),
      `password${' '.repeat(400_000)}`,
    ])
      for (const read of [(whole: string) => findSecret('note', whole), redactSecrets]) read(text);
  });
});

describe('a log', () => {
  /** Secrets that only their key or their randomness reveals cannot be recognised in a line. */
  const known = configsWithSecret.filter(
    ({ text }) => ![undefined, 'a random key'].includes(findSecret('note', text)),
  );

  test('contains no part of a secret that its form reveals', () => {
    expect(known.length).toBeGreaterThan(200);
    const leaking = known.filter(({ text }) => {
      const line = JSON.stringify({ level: 50, err: { message: `invalid input "${text}" at 5` } });
      // The end of the text is secret in every kind; its beginning may be an address.
      return redactSecrets(line).includes(JSON.stringify(text).slice(-9, -1));
    });
    expect(leaking.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([]);
  });

  test('keeps ids of API keys readable, and redacts their secrets and other keys', () => {
    const id = randomUUID();
    for (const line of [
      `{"actor":"api-key:${id}","msg":"request"}`,
      `by api-key:${id}, later`,
      `api-key:${id}`,
    ])
      expect(redactSecrets(line)).toBe(line);
    for (const [line, redacted] of [
      [`api-key:trk_${'a1B2'.repeat(10)}`, 'api-key[secret]'],
      [`{"actor":"api-key:trk_inv_${'a1B2'.repeat(10)}"}`, '{"actor":"api-key[secret]"}'],
      [`api-key:${id}abc`, 'api-key:[secret]'],
      [`api-key:${id}-abc`, 'api-key:[secret]'],
      [`api-key: ${id}`, 'api-key: [secret]'],
      [`api_key=${id}`, 'api_key=[secret]'],
      [`"api-key":"${id}"`, '"api-key":"[secret]"'],
      [`my-api-key:${id}`, 'my-api-key:[secret]'],
      [`api-key:hunter22`, 'api-key:[secret]'],
    ] as const)
      expect(redactSecrets(line)).toBe(redacted);
  });

  test('keeps the rest of the line, and lines without secrets', () => {
    const line = JSON.stringify({
      level: 30,
      requestId: randomUUID(),
      msg: 'request',
      path: '/graphql',
      ms: 1.5,
    });
    expect(redactSecrets(line)).toBe(line);
    const leak = JSON.stringify({ a: 'postgres://me:sesame@db.example/x', b: 'fencing_token = 12345678' });
    expect(redactSecrets(leak)).toBe('{"a":"[secret]","b":"fencing_token = 12345678"}');
  });
});

describe('the database', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createRegistryDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  test('finds the same secrets at the same places', async () => {
    // Fewer than above: PostgreSQL takes a hundred times as long, and each run draws others.
    const configs = [
      ...configsWithSecret.slice(0, 200).map(({ config }) => config),
      ...ordinary.slice(0, 100),
    ];
    const { rows } = await client.query<{ found: string | null }>(
      'SELECT registry_find_config_secret(config) AS found FROM unnest($1::jsonb[]) WITH ORDINALITY AS given (config, place) ORDER BY place',
      [configs.map((config) => JSON.stringify(config))],
    );
    for (const [at, config] of configs.entries()) {
      const places = findSecrets(config).map(({ path, looksLike }) => `${path} looks like ${looksLike}`);
      if (places.length === 0) expect(rows[at]?.found).toBeNull();
      else expect(places).toContain(rows[at]?.found);
    }
  });

  test('refuses a secret from any writer, without repeating it', async () => {
    const insert = `INSERT INTO tenants (slug, name, tenant_config) VALUES ('acme', 'Acme', $1)`;
    const error = await client
      .query(insert, [{ email: { smtp: { password: 'hunter2' } } }])
      .catch((caught) => caught);
    expect(error).toMatchObject({
      code: '23514',
      constraint: 'tenants_config_without_secrets',
      message: 'The configuration of tenant acme: email.smtp.password looks like a secret',
    });
    expect(JSON.stringify({ ...error })).not.toContain('hunter2');
    await client.query(insert, [{ email: { smtp: { password: `\${ACME_PASSWORD}` } } }]);
    const update = 'UPDATE tenants SET tenant_config = $1';
    await expect(
      client.query(update, [{ extensions: { a: [{ b: 'ghp_0123456789abcdefABCD' }] } }]),
    ).rejects.toThrow('extensions.a.0.b looks like a key of a known service');
    await expect(client.query(update, [{ extensions: { ghp_0123456789abcdefABCD: 1 } }])).rejects.toThrow(
      'extensions.… looks like a secret as the name of a key',
    );
  });

  test('keeps columns and configuration equal, whichever of the two is written', async () => {
    const config = {
      email: { primary: 'a@b.example' },
      infrastructure: { gcp: { project_id: 'p', dataset: 'd' } },
    };
    await client.query(`INSERT INTO tenants (slug, name, tenant_config) VALUES ('globex', 'Globex', $1)`, [
      config,
    ]);
    const read = async () => {
      const { rows } = await client.query(
        `SELECT primary_email, gcp_project_id, gcp_dataset, tenant_config FROM tenants WHERE slug = 'globex'`,
      );
      return rows[0];
    };
    const columns = { primary_email: 'a@b.example', gcp_project_id: 'p', gcp_dataset: 'd' };
    expect(await read()).toEqual({ ...columns, tenant_config: config });
    await client.query(
      `UPDATE tenants SET primary_email = 'c@d.example', gcp_project_id = NULL WHERE slug = 'globex'`,
    );
    expect(await read()).toEqual({
      primary_email: 'c@d.example',
      gcp_project_id: null,
      gcp_dataset: 'd',
      tenant_config: { email: { primary: 'c@d.example' }, infrastructure: { gcp: { dataset: 'd' } } },
    });
    // A configuration that loses the key clears the column unless that is written as well, and a column alone adds no key.
    await client.query(`UPDATE tenants SET tenant_config = '{}', gcp_dataset = 'e' WHERE slug = 'globex'`);
    expect(await read()).toEqual({
      primary_email: null,
      gcp_project_id: null,
      gcp_dataset: 'e',
      tenant_config: {},
    });
  });
});
