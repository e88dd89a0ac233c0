import { expect } from 'vitest';
import type { TestGateway } from '../setup/gateway.js';

/** What became of one of many calls. */
export interface Outcome<Payload> {
  payload: Payload | null;
  code: string | undefined;
  message: string;
  fields: string[];
}

const aliasesPerRequest = 100;

/** One mutation many times over, a hundred to a request, one after the other as GraphQL has it. */
export async function askMany<Payload>(
  gateway: TestGateway,
  mutation: string,
  fields: string,
  inputs: readonly object[],
): Promise<Outcome<Payload>[]> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const outcomes: Outcome<Payload>[] = [];
  for (let from = 0; from < inputs.length; from += aliasesPerRequest) {
    const some = inputs.slice(from, from + aliasesPerRequest);
    const declared = some.map((_, at) => `$i${at}: ${type}!`).join(', ');
    const asked = some.map((_, at) => `a${at}: ${mutation}(input: $i${at}) { ${fields} }`).join('\n');
    const variables = Object.fromEntries(some.map((input, at) => [`i${at}`, input]));
    const { data, errors } = await gateway.ask(`mutation (${declared}) { ${asked} }`, variables);
    expect(errors.filter(({ path }) => !path)).toEqual([]);
    const errorByAlias = new Map(errors.map((error) => [error.path?.[0], error]));
    some.forEach((_, at) => {
      const error = errorByAlias.get(`a${at}`);
      outcomes.push({
        payload: data[`a${at}`],
        code: error?.extensions.code,
        message: error?.message ?? '',
        fields: [...new Set(error?.extensions.fields?.map(({ field }) => field))],
      });
    });
  }
  return outcomes;
}

/** Refused for this field's sake, in one of the two ways there are. */
export function isRefusedFor(outcome: Outcome<unknown> | undefined, ...fields: string[]): boolean {
  return (
    outcome?.payload === null &&
    (outcome.code === 'VALIDATION_ERROR' || outcome.code === 'CONFLICT') &&
    outcome.fields.length > 0 &&
    outcome.fields.every((field) => fields.includes(field))
  );
}
