import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema, Kind, parse } from 'graphql';
import { describe, expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** The rows of the table in docs/admin.md: mutations that no screen has, each with the reason. */
async function readTable(): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'docs/admin.md'), 'utf8');
  const section = text.split('## Mutations without a place on a screen')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  return new Map(rows.map(([, name = '', reason = '']) => [name, reason.trim()]));
}

/** The mutations in the documents of the admin page. */
async function readScreens(): Promise<Set<string>> {
  const folder = join(root, 'src/admin');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.graphql'));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const fields = sources
    .flatMap((source) => parse(source).definitions)
    .flatMap((one) =>
      one.kind === Kind.OPERATION_DEFINITION && one.operation === 'mutation'
        ? one.selectionSet.selections
        : [],
    );
  return new Set(fields.flatMap((one) => (one.kind === Kind.FIELD ? [one.name.value] : [])));
}

describe('the admin page', async () => {
  const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'));
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {}).sort();
  const [table, screens] = await Promise.all([readTable(), readScreens()]);

  test('has every mutation on a screen or, with the reason, in the table of docs/admin.md', () => {
    expect(mutations.filter((name) => !screens.has(name) && !table.has(name))).toEqual([]);
    expect([...table].filter(([, reason]) => reason.length < 10)).toEqual([]);
  });

  test('needs every row of that table', () => {
    expect([...table.keys()].filter((name) => screens.has(name) || !mutations.includes(name))).toEqual([]);
    expect([...table.keys()]).toEqual([...table.keys()].sort());
  });
});
