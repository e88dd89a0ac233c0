import { expect } from 'vitest';
import type { TestGateway } from '../../setup/gateway.js';

/** Result of one of many calls. */
export interface Outcome<Payload> {
  payload: Payload | null;
  code: string | undefined;
  message: string;
  fields: string[];
}

/** Sends one mutation for each input, one after the other, so that the first one gets a contested name. */
export async function repeatMutation<Payload>(
  gateway: TestGateway,
  mutation: string,
  fields: string,
  inputs: readonly object[],
): Promise<Outcome<Payload>[]> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { payload: ${mutation}(input: $input) { ${fields} } }`;
  const outcomes: Outcome<Payload>[] = [];
  for (const input of inputs) {
    // This gateway is the only one, so no other needs to be waited for.
    const { data, errors } = await gateway.ask(query, { input: { ...input, wait: 'COMMITTED' } });
    // Only a text that cannot be stored is refused before the mutation is executed.
    if (!Object.values(input).some(isUnstorable)) expect(errors.filter(({ path }) => !path)).toEqual([]);
    const [error] = errors;
    outcomes.push({
      payload: data?.payload ?? null,
      code: error?.extensions.code,
      message: error?.message ?? '',
      fields: [...new Set(error?.extensions.fields?.map(({ field }) => field))],
    });
  }
  return outcomes;
}

function isUnstorable(value: unknown): boolean {
  return typeof value === 'string' && /[\0\p{Cs}]/u.test(value);
}

/** Whether the call was refused because of these fields only. */
export function isRefusedFor(outcome: Outcome<unknown> | undefined, ...fields: string[]): boolean {
  return (
    outcome?.payload === null &&
    (outcome.code === 'VALIDATION_ERROR' || outcome.code === 'CONFLICT') &&
    outcome.fields.length > 0 &&
    outcome.fields.every((field) => fields.includes(field))
  );
}
