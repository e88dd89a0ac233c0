/**
 * `npm run test:pg -- <url>` runs all tests on this PostgreSQL, as its superuser, instead of the embedded one; with folders of `test`
 * behind the URL, theirs, and with `--sql` those whose subject is SQL.
 *
 * `npm run test:hostile` runs the core of them on a new cluster of Debian's PostgreSQL, where every setting that can change a result
 * is another one than usual, and messages are in German.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { build } from './build.js';

const isHostile = process.argv[2] === '--hostile';
const [url, ...rest] = isHostile
  ? [process.env.TEST_SERVER ?? '', ...process.argv.slice(3)]
  : process.argv.slice(2);
if (!url || !/^postgres(ql)?:\/\//.test(url)) {
  process.stderr.write(
    'Give the URL of the server: npm run test:pg -- postgresql://postgres:password@localhost:5432/postgres\n',
  );
  process.exit(1);
}
if (!build()) process.exit(1);

/** @type {[string, [hostile: string, usual: string]][]} Each setting with both values. */
const settings = Object.entries(
  JSON.parse(readFileSync(new URL('../test/setup/hostile-settings.json', import.meta.url), 'utf8')),
);

/** The folders whose files send SQL of their own, or test the SQL that the product sends, without what needs no server or only repeats it. */
const sqlFolders = [
  ...['database', 'registry', 'sql', 'importing/databases', 'importing/platform'],
  ...['provisioning/doctor', 'provisioning/fence', 'provisioning/storage'],
].map((folder) => `test/${folder}/`);

/** These start servers of their own. */
const embedded = ['--exclude', 'test/database/embedded/**'];

/** A choice of files: reads, commands, provisioning, fence, SQL, import and client. */
const core = [
  ...[
    'database/change-log',
    'registry/database-failure',
    'graphql/outage',
    'graphql/tenant-lifecycle',
    'graphql/resolution',
  ],
  ...['provisioning/provision-tenant', 'provisioning/operations/undone'],
  ...['provisioning/fence/guard', 'sql/status-rules', 'sql/views'],
  ...['sql/procedures', 'importing/databases/database-import', 'client/with-tenant'],
].map((name) => `test/${name}.test.ts`);

/** Messages of the server in German, where the locale is installed. No code may depend on their words. */
const language = 'de_DE.UTF-8';

// The tests' own connections are as usual. The product ignores this variable.
const options = settings.map(([name, [, usual]]) => `-c ${name}=${usual.replaceAll(/[\\ ]/g, '\\$&')}`);
if (isHostile) process.env.PGOPTIONS = options.join(' ');

/** @param {string[]} statements */
async function onServer(statements) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('SELECT pg_reload_conf()');
  } finally {
    await client.end();
  }
}

const set = settings.map(([name, [hostile]]) => {
  // A quoted search_path would be the name of one schema.
  const value = name === 'search_path' ? hostile : pg.escapeLiteral(hostile);
  return `ALTER SYSTEM SET ${name} = ${value}`;
});

if (isHostile) {
  await onServer(set);
  await onServer([`ALTER SYSTEM SET lc_messages = '${language}'`]).catch(() =>
    process.stderr.write(`The server has no locale ${language}: its messages are in English\n`),
  );
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const chosen = rest.flatMap((one) => (one === '--sql' ? [...sqlFolders, ...embedded] : one));
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...(isHostile && rest.length === 0 ? core : chosen)],
  {
    stdio: 'inherit',
    env: { ...process.env, TEST_DATABASE_URL: url },
  },
);
process.exit(status ?? 1);
