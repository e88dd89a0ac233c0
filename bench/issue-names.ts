import { randomInt } from 'node:crypto';
import pg from 'pg';
import type { Module, Tenant } from '../src/database/generated/prisma/client.js';
import type { Transaction } from '../src/database/registry-database.js';
import type { Statement } from '../src/database/statements/batch.js';
import { isSlug } from '../src/registry/slug.js';
import { issueNames } from '../src/registry/storage-name.js';
import { hostileTexts } from '../test/naming/support/hostile.js';

/**
 * Issues a million names to tenants whose slugs are as alike as slugs can be, and those of the hostile texts that are slugs;
 * no two may be one, as PostgreSQL sees names: `tsx bench/issue-names.ts [count] [url of any PostgreSQL]`. The rows are held
 * in memory, for a million transactions would take hours; the suite issues thousands of them in PostgreSQL itself.
 */
const count = Number(process.argv[2] ?? 1_000_000);
const url = process.argv[3];
const seed = randomInt(2 ** 31 - 1);

const modules = [
  { name: 'operations', schemaPrefix: 'tenant_', isolation: 'SCHEMA', databaseName: 'operations' },
  { name: 'finance', schemaPrefix: 'finance_', isolation: 'SCHEMA', databaseName: 'finance' },
  // With these prefixes one module's name is another's, and the databases' are those of schemas.
  { name: 'a', schemaPrefix: 'a_', isolation: 'SCHEMA', databaseName: 'finance' },
  { name: 'ab', schemaPrefix: 'a_b_', isolation: 'SCHEMA', databaseName: 'finance' },
  { name: 'dbtools', schemaPrefix: 'a_', isolation: 'DATABASE', databaseName: 'dbtools' },
].map((fields) => fields as unknown as Module);

const owners = new Map<string, string>();
const used = new Set<string>();
const keywords = url === undefined ? new Set(['select', 'table', 'user']) : await readKeywords(url);

// The part of a transaction that issueNames uses: the lock, the reserved words, and the takers.
const rows = {
  send: async (_lock: Statement, reserved: Statement, takers: Statement) => {
    const [words] = reserved.values as [string[]];
    const [names, databases, schemas, kind, tenantId] = takers.values as [
      ...[string[], string[], string[]],
      ...[string, string],
    ];
    const found = names.flatMap((name, at) => {
      const owner = owners.get(`${kind} ${name}`);
      const isTaken =
        (owner !== undefined && owner !== tenantId) ||
        used.has(`${databases[at]} ${schemas[at]}`) ||
        (kind === 'database' && modules.some(({ databaseName }) => databaseName === name));
      return isTaken ? [{ name, taker: '?' }] : [];
    });
    return [[], words.filter((word) => keywords.has(word)).map((word) => ({ word })), found].map(
      (answer) => ({
        rows: answer,
        rowCount: answer.length,
      }),
    );
  },
} as unknown as Transaction;

const issued: { place: string; name: string }[] = [];
let refused = 0;
let collisions = 0;
const slugs = new Set(hostileTexts(10_000, seed).filter(isSlug));
const hostile = slugs.size;
for (let number = 0; slugs.size * modules.length < count; number++)
  for (const slug of alike(number)) slugs.add(slug);

for (const slug of slugs)
  for (const module of modules) {
    if (issued.length + refused >= count) break;
    const { isolation } = module;
    const tenant = { id: slug, slug } as Tenant;
    const names = await issueNames(rows, { tenant, module, isolation, wanted: undefined }).catch(
      () => undefined,
    );
    if (!names) {
      refused++;
      continue;
    }
    const name = isolation === 'SCHEMA' ? names.schemaName : names.databaseName;
    const place = `${names.databaseName} ${names.schemaName}`;
    const kind = isolation.toLowerCase();
    const owner = owners.get(`${kind} ${name}`);
    if (used.has(place) || (owner !== undefined && owner !== slug)) collisions++;
    owners.set(`${kind} ${name}`, slug);
    used.add(place);
    issued.push({ place: isolation === 'SCHEMA' ? names.databaseName : 'databases', name });
  }

const cut = url === undefined ? 'not asked' : String(await countCut(url));
process.stdout.write(
  `seed ${seed}: ${issued.length} names issued, ${hostile} slugs of them hostile, ${refused} refused; ` +
    `${collisions} collisions; as PostgreSQL sees them, cut or alike: ${cut}\n`,
);
process.exitCode = collisions === 0 && (cut === '0' || url === undefined) ? 0 : 1;

/** Slugs that differ in what becomes one in a name: - and _, and suffixes of their own. */
function alike(number: number): string[] {
  const words = [number % 97, number % 89, number].map((word) => word.toString(36));
  const [first = '', second = '', third = ''] = words;
  const joined = ['-', '_'].flatMap((one) =>
    ['-', '_'].map((two) => `t${first}${one}${second}${two}${third}`),
  );
  return [...joined, ...joined.map((slug) => `${slug}_2`), `b-${joined[0]}`, `b_${joined[0]}`].filter(isSlug);
}

/** Names that are not themselves once PostgreSQL has read them, or are another's. */
async function countCut(server: string): Promise<number> {
  return withClient(server, async (client) => {
    const { rows: found } = await client.query(
      `SELECT count(*) FILTER (WHERE name::name::text <> name) + count(*) - count(DISTINCT (place, name::name)) AS cut
       FROM unnest($1::text[], $2::text[]) AS issued (place, name)`,
      [issued.map(({ place }) => place), issued.map(({ name }) => name)],
    );
    return Number(found[0].cut);
  });
}

async function readKeywords(server: string): Promise<Set<string>> {
  return withClient(server, async (client) => {
    const { rows: found } = await client.query(
      `SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')`,
    );
    return new Set(found.map(({ word }) => word));
  });
}

async function withClient<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
