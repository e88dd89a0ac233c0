/**
 * Generates the files that are checked in: schema.graphql and the JSON Schema of a configuration for other programs,
 * and the types of the operations in the client and the tests. `npm run codegen` writes them; `npm run codegen --
 * --check` only reports which are out of date. Breaking changes of schema.graphql are written only with --accept-breaking.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type CodegenConfig, generate } from '@graphql-codegen/cli';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { keyWarningDays } from './src/auth/keys-in-use.js';
import { allActions, scopeList, scopeOf } from './src/auth/permissions.js';
import { errorTable, guardRefusals, procedureRefusals } from './src/errors.js';
import { schema } from './src/graphql/schema.js';
import { tenantConfigJsonSchema } from './src/profile/config/tenant-config.js';
import { settings } from './src/settings/settings.js';
import { postgresParameters } from './src/urls/postgres-url.js';
import { redisParameters } from './src/urls/redis-url.js';
import type { UrlParameters } from './src/urls/url-parameters.js';
import { findBreakingChanges, wayOut } from './test/setup/schema-changes.js';

const root = import.meta.dirname;
const schemaFile = 'schema.graphql';
const typesDir = 'test/setup/generated';
const adminDir = 'src/admin/generated';
const clientTypes = 'src/client/generated/operations.ts';

const sdl = `${printSchema(lexicographicSortSchema(schema))}\n`;

const typesOfOperations = {
  enumType: 'string-literal',
  useTypeImports: true,
  strictScalars: true,
  scalars: {
    ID: 'string',
    ModuleName: 'string',
    Revision: 'string',
    Scope: 'string',
    DateTime: 'string',
    JSON: 'unknown',
  },
};

const config: CodegenConfig = {
  cwd: root,
  schema: sdl,
  silent: true,
  generates: {
    [`${adminDir}/`]: {
      documents: ['src/admin/**/*.graphql'],
      preset: 'client',
      presetConfig: { fragmentMasking: false, skipIndexFile: true },
      config: {
        ...typesOfOperations,
        // The page sends the text of its documents and needs no parser.
        documentMode: 'string',
        importExtension: '.js',
      },
    },
    [clientTypes]: {
      documents: ['src/client/**/*.ts', '!src/client/generated/**'],
      plugins: ['typescript-operations'],
      config: { ...typesOfOperations, immutableTypes: true },
    },
    [`${typesDir}/`]: {
      documents: ['test/**/*.ts', '!test/clients/**'],
      preset: 'client',
      presetConfig: { fragmentMasking: false, skipIndexFile: true },
      config: {
        ...typesOfOperations,
        // A test sends the text of its document; nothing has to print it first.
        documentMode: 'string',
        importExtension: '.js',
      },
    },
  },
};

/** The documents of the packages that talk to the gateway, as they send them. */
async function shippedDocuments(adminDocuments: string): Promise<string> {
  const folder = join(root, 'src/client');
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.startsWith('generated')).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const documents = [
    ...texts.flatMap((text) => textsIn(text, /\/\* GraphQL \*\/ `([^`]*)`/g)),
    ...textsIn(adminDocuments, /new TypedDocumentString\(`([^`]*)`/g).map((text) => text.trim()),
  ];
  if (documents.some((document) => /[\\$]\{|\\\\/.test(document)))
    throw new Error(
      'A document of the client or the admin page is not a plain text, so it cannot be registered',
    );
  return `/** Documents of the client package and the admin page, which count as registered. Written by \`npm run codegen\`. */
export const shippedDocuments: readonly string[] = [
${documents.map((document) => `  \`${document}\`,`).join('\n')}
];
`;
}

function textsIn(source: string, pattern: RegExp): string[] {
  return [...source.matchAll(pattern)].map(([, text = '']) => text);
}

/** What the admin page knows about errors and rights without asking. */
function registryFacts(): string {
  const errors = Object.entries(errorTable).map(([code, { meaning, action }]) => [code, { meaning, action }]);
  const actions = allActions.map((action) => [action, scopeOf(action)]);
  return `/** Written by \`npm run codegen\`. */
export const errorTexts: Readonly<Record<string, { meaning: string; action: string }>> = ${JSON.stringify(Object.fromEntries(errors), undefined, 2)};

export const scopeByAction = ${JSON.stringify(Object.fromEntries(actions), undefined, 2)} as const;

export const allScopes = ${JSON.stringify(scopeList.split(', '))} as const;

/** How long before the expiry of a key it counts as one that expires soon, in days. */
export const keyWarningDays = ${keyWarningDays};
`;
}

const generated: { filename: string; content: string }[] = await generate(config, false);
const adminDocuments = generated.find(({ filename }) => filename.endsWith(`${adminDir}/graphql.ts`))?.content;
const wanted = new Map([
  [schemaFile, sdl],
  ['tenant-config.schema.json', `${JSON.stringify(tenantConfigJsonSchema(), undefined, 2)}\n`],
  ['docs/configuration.md', configurationPage()],
  ['docs/errors.md', errorPage()],
  ['src/graphql/generated/shipped-documents.ts', await shippedDocuments(adminDocuments ?? '')],
  [`${adminDir}/registry-facts.ts`, registryFacts()],
  [`${adminDir}/tenant-config-schema.json`, `${JSON.stringify(tenantConfigJsonSchema())}\n`],
  ...generated
    // Its map of all documents by their texts would be in the page once more.
    .filter(({ filename }) => !filename.endsWith(`${adminDir}/gql.ts`))
    .map(({ filename, content }) => [relative(root, filename), content] as const),
]);
const present = await Promise.all(
  [typesDir, adminDir].map(async (folder) =>
    (await readdir(join(root, folder)).catch(() => [])).map((name) => `${folder}/${name}`),
  ),
);
const obsolete = present.flat().filter((file) => !wanted.has(file));
const outdated: string[] = [];
for (const [file, content] of wanted) {
  if ((await readFile(join(root, file), 'utf8').catch(() => undefined)) !== content) outdated.push(file);
}

const breaking =
  outdated.includes(schemaFile) && !process.argv.includes('--accept-breaking')
    ? await findBreakingChanges(buildSchema(await readFile(join(root, schemaFile), 'utf8')), schema)
    : [];

if (breaking.length > 0) {
  process.stderr.write(`Breaking changes, nothing is written:\n${breaking.join('\n')}\n${wayOut}\n`);
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) {
  for (const file of outdated) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), wanted.get(file) ?? '');
  }
  for (const file of obsolete) await rm(join(root, file));
} else if (outdated.length + obsolete.length > 0) {
  process.stderr.write(`Out of date: ${[...outdated, ...obsolete].join(', ')}. Run "npm run codegen"\n`);
  process.exitCode = 1;
}

function configurationPage(): string {
  const rows = Object.entries(settings).map(
    ([name, { default: byDefault, expected, meaning }]) =>
      `| \`${name}\` | ${code(byDefault)} | ${meaning} Expected: ${expected.replaceAll('|', '\\|')}. |`,
  );
  return `# Configuration

Every setting is an environment variable. A variable that is empty counts as not set. All problems are reported at once, one line each,
and the process exits with status 1. This page is generated from [src/settings/settings.ts](../src/settings/settings.ts) by \`npm run codegen\`.

\`X_FILE\` names a file with the value of variable X, for every setting but those of OpenTelemetry, and every URL of a service database: \`DATABASE_URL_FILE=/run/secrets/database-url\`. \`--env-file <file>\` of every command
reads lines such as \`PORT=4000\` for variables that the environment lacks. \`tenant-registry config check\` shows each variable with its origin, without passwords, and tries every
database and Redis.

| variable | default | meaning |
|---|---|---|
${rows.join('\n')}

## Parameters of the URLs of PostgreSQL

\`postgres://user:password@host:5432/database?name=value&…\`; in names, passwords and values write @ as %40, / as %2F and so on. Unix sockets:
\`postgres://user@/database?host=/var/run/postgresql\`, or \`postgres://user@%2Fvar%2Frun%2Fpostgresql/database\`. Every parameter of PostgreSQL’s own
programs, of the driver pg and of Prisma has an effect or is refused with its name; so is an unknown one. The table is
[src/urls/postgres-url.ts](../src/urls/postgres-url.ts).

| parameter | effect |
|---|---|
${parameterRows(postgresParameters)}

## Parameters of REDIS_URL

The same for Redis; all nodes of a Cluster have the same parameters.

| parameter | effect |
|---|---|
${parameterRows(redisParameters)}
`;
}

/** One row per parameter with an effect, and one per reason to refuse others. */
function parameterRows(table: UrlParameters): string {
  const refused = new Map<string, string[]>();
  const rows = Object.entries(table).flatMap(([name, one]) => {
    if ('effect' in one) return [`| \`${name}\` | ${one.effect} |`];
    refused.set(one.instead, [...(refused.get(one.instead) ?? []), `\`${name}\``]);
    return [];
  });
  return [
    ...rows,
    ...[...refused].map(([instead, names]) => `| ${names.join(', ')} | Refused: ${instead}. |`),
  ].join('\n');
}

/** Defaults that are a word or number are shown as code; descriptions are sentences already. */
function code(text: string): string {
  return text === 'none' || /[` ]/.test(text) ? text : `\`${text}\``;
}

function errorPage(): string {
  const states: Record<string, string[]> = {};
  for (const [state, code] of [...Object.entries(guardRefusals), ...Object.entries(procedureRefusals)]) {
    states[code] ??= [];
    if (!states[code].includes(state)) states[code].push(state);
  }
  const rows = Object.entries(errorTable).map(
    ([name, { status, meaning, action, ...more }]) =>
      `| \`${name}\` | ${status} | ${'retryAfterMs' in more ? 'yes' : ''} | ${states[name]?.join(', ') ?? ''} | ${meaning} | ${action} |`,
  );
  return `# Errors

Expected failures have a code: \`errors[].extensions.code\` in GraphQL, \`error.code\` over REST, the first word of the message in SQL.
\`extensions.fields\` lists the fields of a VALIDATION_ERROR. Where \`extensions.retryable\` is true, the same request may well succeed
after \`extensions.retryAfterMs\` milliseconds (over HTTP \`Retry-After\`, in seconds). The HTTP status
counts for REST and, for clients that accept \`application/graphql-response+json\`, where \`data\` is null or absent: a refused mutation
is null within \`data\`, with status 200. Every other failure is \`INTERNAL_SERVER_ERROR\` (500) with a request id; the log has its cause under
that id. This page is generated from [src/errors.ts](../src/errors.ts) by \`npm run codegen\`.

| code | status | retryable | SQLSTATE | meaning | what to do |
|---|--:|---|---|---|---|
${rows.join('\n')}
`;
}
