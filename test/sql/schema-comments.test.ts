import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

const schema = await readFile(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8');

interface Documented {
  /** "tenants", "tenants.max_users" or "tenant_status"; undefined: a relation, which has no column. */
  name: string | undefined;
  /** As it is written in the schema: "model Tenant", "Tenant.maxUsers". */
  place: string;
  comment: string;
}

/** Models, their fields and enums, with the `///` lines above them. */
function readDocumented(): Documented[] {
  const documented: Documented[] = [];
  let comment = '';
  let [kind, model, table] = ['', '', ''];
  for (const [at, line] of lines.entries()) {
    if (/^ *\/\/\//.test(line)) {
      comment += `${line.replace(/^ *\/\/\/ */, '')} `;
      continue;
    }
    const [, opensKind, opensModel] = /^(model|enum) (\w+) \{$/.exec(line) ?? [];
    const [, field = '', type = ''] = /^ {2}(\w+) +([A-Z]\w*)/.exec(line) ?? [];
    if (opensKind !== undefined && opensModel !== undefined) {
      [kind, model, table] = [opensKind, opensModel, databaseNameIn(lines.slice(at, lines.indexOf('}', at)))];
      documented.push({ name: table, place: `${kind} ${model}`, comment: comment.trim() });
    } else if (kind === 'model' && field !== '') {
      const column = models.has(type) ? undefined : `${table}.${/@map\("(\w+)"\)/.exec(line)?.[1] ?? field}`;
      documented.push({ name: column, place: `${model}.${field}`, comment: comment.trim() });
    }
    comment = '';
  }
  return documented;
}

function databaseNameIn(block: string[]): string {
  return /@@map\("(\w+)"\)/.exec(block.join('\n'))?.[1] ?? '';
}

const lines = schema.split('\n');
const models = new Set([...schema.matchAll(/^model (\w+)/gm)].map(([, name]) => name));

let registry: TestDatabase;
beforeAll(async () => {
  registry = await createRegistryDatabase();
});
afterAll(() => registry?.drop());

describe('prisma/schema.prisma', () => {
  test('has a comment on every model, field and enum', () => {
    const documented = readDocumented();
    expect(documented.filter(({ comment }) => comment === '')).toEqual([]);
    expect(documented.map(({ place }) => place)).toEqual(
      expect.arrayContaining(['model Tenant', 'Tenant.config', 'Tenant.subscriptions', 'enum Plan']),
    );
  });

  test('says of each table, column and enum type what the database says', async () => {
    const comments = await queryOnce<{ name: string; comment: string }>(
      registry.url,
      `SELECT concat_ws('.', relname, attname) AS name, description AS comment
         FROM pg_description JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
         LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'
       UNION ALL
       SELECT typname, description FROM pg_type JOIN pg_description ON objoid = pg_type.oid AND classoid = 'pg_type'::regclass
         WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'`,
    );
    const inDatabase = Object.fromEntries(
      comments.map(({ name, comment }) => [name, comment.replaceAll(/\s+/g, ' ')]),
    );
    const inSchema = readDocumented().flatMap(({ name, comment }) => (name ? [[name, comment]] : []));
    expect(Object.fromEntries(inSchema)).toEqual(inDatabase);
  });
});
