/**
 * Compiles a query of Relay against the schema that a gateway tells, and a fragment on each type that is a Node:
 * `node relay.js <url> <folder>`. Prints the texts that Relay would send: of the list, and of reading an object of each type again.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';

const [url, folder] = process.argv.slice(2);

const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const { data } = await response.json();
writeFileSync(join(folder, 'schema.graphql'), printSchema(buildClientSchema(data)));
mkdirSync(join(folder, 'src'));
writeFileSync(
  join(folder, 'src/Tenants.js'),
  `const tenants = graphql\`
    query TenantsQuery($after: String) { ...Tenants_list @arguments(after: $after) }
  \`;
  const list = graphql\`
    fragment Tenants_list on Query
    @argumentDefinitions(after: { type: "String" }, count: { type: "Int", defaultValue: 2 })
    @refetchable(queryName: "TenantsPageQuery") {
      tenants(first: $count, after: $after) @connection(key: "Tenants_tenants") { edges { node { id slug subscriptions { schemaName } } } }
    }
  \`;`,
);
/** A fragment on each type of Node that Relay can read again by `node(id)`. */
const { __schema: told } = data;
const nodeTypes = told.types.find(({ name }) => name === 'Node').possibleTypes.map(({ name }) => name);
for (const type of nodeTypes)
  writeFileSync(
    join(folder, `src/${type}.js`),
    `const one = graphql\`fragment ${type}_one on ${type} @refetchable(queryName: "${type}RefetchQuery") { id __typename }\`;`,
  );
const settings = { src: './src', schema: './schema.graphql', language: 'javascript', eagerEsModules: false };
writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(settings));
const compiler = createRequire(import.meta.url)('relay-compiler');
const { status, stdout, stderr } = spawnSync(compiler, ['relay.config.json'], {
  cwd: folder,
  encoding: 'utf8',
});
if (status !== 0) throw new Error(`${stdout}${stderr}`);
const textOf = (query) => {
  const artifact = readFileSync(join(folder, `src/__generated__/${query}.graphql.js`), 'utf8');
  return JSON.parse(/"text": (".*")/.exec(artifact)[1]);
};
const again = nodeTypes.map((type) => [type, textOf(`${type}RefetchQuery`)]);
process.stdout.write(JSON.stringify({ list: textOf('TenantsQuery'), again: Object.fromEntries(again) }));
