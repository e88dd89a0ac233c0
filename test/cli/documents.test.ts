import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentIdOf } from '../../src/registry/access/trusted-documents.js';
import { runHere } from '../setup/command-line.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aFolder } from '../setup/process.js';

describe('documents at the command line', () => {
  let registry: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    folder = await aFolder();
  });
  afterAll(() => registry?.drop());

  const documents = (...args: string[]) => runHere(['documents', ...args], { DATABASE_URL: registry.url });
  const file = async (name: string, content: string | Buffer) => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };

  const slugs = 'query Slugs { tenants { edges { node { slug } } } }';
  const modules = 'query Modules { modules { name } }';
  const stats = 'query Self { __typename }';

  test('are added from files and manifests, listed and removed', async () => {
    const files = [
      await file('slugs.graphql', `${slugs}\n`),
      await file('codegen.json', JSON.stringify({ [documentIdOf(modules)]: modules })),
      await file(
        'apollo.json',
        JSON.stringify({ operations: [{ id: documentIdOf(stats), body: stats, name: 'Self' }] }),
      ),
    ];
    const added = await documents('add', ...files);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toBe(
      `${documentIdOf(slugs)}  query Slugs\n${documentIdOf(modules)}  query Modules\n${documentIdOf(stats)}  query Self\n` +
        '3 of 3 documents are new.\n',
    );
    const listed = JSON.parse((await documents('list', '--json')).stdout);
    expect(listed).toEqual(
      expect.arrayContaining([
        {
          id: documentIdOf(slugs),
          body: slugs,
          addedAt: expect.any(String),
          addedBy: expect.stringMatching(/^operator:/),
        },
      ]),
    );
    const removed = await documents('remove', documentIdOf(modules), 'nothing');
    expect(removed).toMatchObject({ code: 1, stdout: `Document ${documentIdOf(modules)} is removed.\n` });
    expect(removed.stderr).toContain('No registered document has the id nothing');
    expect((await documents('list')).stdout.split('\n').filter(Boolean)).toHaveLength(2);
  });

  test.each([
    ['that does not parse', 'a.graphql', 'query {', 'Syntax Error'],
    ['with a field that the schema lacks', 'b.graphql', 'query B { nothing }', 'Cannot query field'],
    ['that is empty', 'c.graphql', ' \n', 'Syntax Error'],
    ['with ids by another algorithm', 'd.json', JSON.stringify({ abc: modules }), 'is not the SHA-256 hash'],
    ['that is no manifest', 'e.json', '[]', 'is no manifest of documents'],
    ['that is no JSON', 'f.json', '{', 'is not JSON'],
    ['that is not UTF-8', 'g.graphql', Buffer.from('# caf\xe9', 'latin1'), 'g.graphql is not UTF-8'],
  ])('a file %s is refused, and nothing of it is added', async (_form, name, content, message) => {
    const good = await file('good.graphql', 'query Good { modules { name } }');
    const { code, stderr } = await documents('add', good, await file(name, content));
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect((await documents('list')).stdout).not.toContain('query Good');
  });
});
