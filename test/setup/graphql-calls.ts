import type { Answer, TestGateway } from './gateway.js';

interface AskOptions {
  key?: string;
  accept?: string;
}

/** With this media type, the HTTP status of an answer is the status of its error. */
export const graphqlResponse = 'application/graphql-response+json';

/** Runs a mutation. `result` is its payload, null or undefined when it was refused; `status` is the status of its error. */
export async function mutate(
  gateway: Pick<TestGateway, 'ask'>,
  name: string,
  input: object,
  selection = 'revision',
  options: AskOptions = {},
) {
  const inputType = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer: Answer<undefined> = await gateway.ask(
    `mutation ($input: ${inputType}!) { result: ${name}(input: $input) { ${selection} } }`,
    { input },
    options,
  );
  const status = answer.errors?.[0]?.extensions.http?.status ?? answer.status;
  return { ...answer, status, result: answer.data?.result };
}

/** Returns the schema of a tenant's module, or the code of the refusal. */
export async function resolve(
  gateway: Pick<TestGateway, 'ask'>,
  id: string,
  module = 'finance',
  options: AskOptions = {},
): Promise<string> {
  const { data, codes } = await gateway.ask(
    `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
    { id, module },
    options,
  );
  return data?.tenantSchema?.schemaName ?? codes.join();
}
