import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createRegistryDatabase } from '../../setup/database.js';
import { aKey, run, serve } from '../../setup/process.js';
import { openRedisServer } from '../../setup/redis.js';
import { describeWithRedis } from '../../setup/with-redis.js';
import { aCopyOfFixtures, clientYaml, writeClient } from '../support/client-story.js';

/** The secrets in the example clients and in the files below. Each text is part of one secret only. */
const secrets = [
  ...[
    'eyJ-example-anon',
    'eyJ-example-service',
    'not-a-signature',
    'SG.example-not-a-key',
    'hunter2-plain-in-yaml',
  ],
  ...[
    'zebra-one',
    'zebra-two',
    'zebra-three',
    'zebra-four',
    'zebra-five',
    'zebra-six',
    'zebra-seven',
    'zebra-eight',
  ],
];

/** Files with secrets at unusual places. The last three files have mistakes as well. */
const unusualClients = {
  oddly: clientYaml(
    'oddly',
    `branding: { email_signature: "token: zebra-one-signature" }
twilio: { auth_token: zebra-two, nested: [{ api-key: zebra-three }] }
infrastructure: { supabase: { url: "https://user:zebra-four@db.example" } }
"password=zebra-five": 1
note: again zebra-two`,
  ),
  broken: `client: { id: broken }\npassword: "zebra-six\nbranding: [`,
  twice: clientYaml('twice', 'email: { smtp: { password: zebra-seven } }'),
  wrong: clientYaml('wrong', 'infrastructure: "sk_live_zebra-eight-0123456789"\ndestinations: zebra-eight'),
};

describeWithRedis('the text of a secret', () => {
  test('is not in the database, the audit log, Redis, logs, responses or messages', {
    timeout: 120_000,
  }, async () => {
    const folder = await aCopyOfFixtures();
    for (const [id, text] of Object.entries(unusualClients)) await writeClient(folder, id, text);
    const all = await Promise.all(
      [...Object.keys(unusualClients), 'beachresorts', 'safarirun-t0vc'].map((id) =>
        readFile(`${folder}/${id}/client.yaml`, 'utf8'),
      ),
    );
    // The test would prove nothing about a text that is in no file.
    for (const secret of secrets) expect(all.join()).toContain(secret);

    const registry = await createRegistryDatabase();
    await using redis = await openRedisServer();
    const env = { DATABASE_URL: registry.url, REDIS_URL: redis.url, LOG_LEVEL: 'trace' };
    const outputs: string[] = [];
    const runs = [['--dry-run'], ['--keep-source', '--json'], []];
    const key = await aKey(env, 'registry:read,audit:read');
    {
      await using gateway = await serve({ ...env, CLIENTS_DIR: folder });
      for (const flags of runs) {
        const { code, stdout, stderr } = await run(['import', 'yaml', folder, ...flags], env);
        expect(code).toBe(1);
        outputs.push(stdout, stderr);
        const { body, codes } = await gateway.ask(
          `{ tenants(first: 20) { edges { node { slug config } } } auditLog(first: 50) { edges { node { before after } } }
            clientConfigs(first: 100) { edges { node { id config problems { path message } replaced { path reference why } unknownKeys } } } }`,
          { key },
        );
        expect(codes).toEqual([]);
        outputs.push(JSON.stringify(body));
      }
      outputs.push(gateway.stderr());
      expect(await redis.command('DBSIZE')).toBeGreaterThan(0);
      for (const name of (await redis.command('KEYS', '*')) as string[])
        outputs.push(name, String(await redis.command('GET', name)));
    }
    const rows = await everyRow(registry.url);
    expect(rows).toContain(`\${SAFARIRUN_T0VC_SMTP_PASSWORD}`);
    expect(rows).toContain(`\${ODDLY_TWILIO_AUTH_TOKEN}`);
    outputs.push(rows);
    await registry.drop();
    for (const secret of secrets)
      for (const form of [
        secret,
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret).toString('base64'),
      ])
        expect(outputs.find((text) => text.includes(form))).toBeUndefined();
  });
});

/** All rows of all tables, as text. */
async function everyRow(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`SELECT one::text AS text FROM ${name} AS one`);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}
