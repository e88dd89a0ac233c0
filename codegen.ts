/**
 * What is generated from the schema and checked in: schema.graphql, for everyone downstream, and the types of the
 * documents in our tests. `npm run codegen` writes it, `npm run codegen -- --check` only says what is out of date.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type CodegenConfig, generate } from '@graphql-codegen/cli';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './src/graphql/schema.js';

const root = import.meta.dirname;
const schemaFile = 'schema.graphql';
const typesDir = 'test/setup/generated';

const sdl = `${printSchema(lexicographicSortSchema(schema))}\n`;

const config: CodegenConfig = {
  cwd: root,
  schema: sdl,
  documents: ['test/**/*.ts'],
  ignoreNoDocuments: true,
  silent: true,
  generates: {
    [`${typesDir}/`]: {
      preset: 'client',
      presetConfig: { fragmentMasking: false, skipIndexFile: true },
      config: {
        // A test sends the text of its document; nothing has to print it first.
        documentMode: 'string',
        enumType: 'string-literal',
        importExtension: '.js',
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          ID: 'string',
          ModuleName: 'string',
          Revision: 'string',
          DateTime: 'string',
          JSON: 'unknown',
        },
      },
    },
  },
};

const generated: { filename: string; content: string }[] = await generate(config, false);
// Without a single document the preset makes a file that does not compile.
const types = generated.some(({ content }) => content.includes('Document =')) ? generated : [];
const wanted = new Map([
  [schemaFile, sdl],
  ...types.map(({ filename, content }) => [relative(root, filename), content] as const),
]);
const present = (await readdir(join(root, typesDir)).catch(() => [])).map((name) => `${typesDir}/${name}`);
const obsolete = present.filter((file) => !wanted.has(file));
const outdated: string[] = [];
for (const [file, content] of wanted) {
  if ((await readFile(join(root, file), 'utf8').catch(() => undefined)) !== content) outdated.push(file);
}

if (!process.argv.includes('--check')) {
  for (const file of outdated) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), wanted.get(file) ?? '');
  }
  for (const file of obsolete) await rm(join(root, file));
} else if (outdated.length + obsolete.length > 0) {
  process.stderr.write(`Out of date: ${[...outdated, ...obsolete].join(', ')}. Run "npm run codegen"\n`);
  process.exitCode = 1;
}
