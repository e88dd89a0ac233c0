import type { FieldMap, InputFieldMap } from '@pothos/core';
import type { CommandContext } from '../registry/command.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { idempotencyKeyField, type MutationInputFields } from './fields/mutation-input.js';
import { type PayloadFields, revisionField } from './fields/revision-field.js';

interface Mutation<Result> {
  command: (context: CommandContext, input: unknown) => Promise<Result>;
  description: string;
  /** Input fields besides `idempotencyKey`. */
  input: (t: MutationInputFields) => InputFieldMap;
  /** Fields of the payload besides `revision`. */
  payload: (t: PayloadFields<Result>) => FieldMap;
  payloadDescription?: string;
}

/**
 * Adds a mutation to the schema. Its payload is nullable: a refused mutation leaves the answers of the others in its
 * request standing, among them secrets that are shown once.
 */
export function mutation<Result extends { revision: string }>(name: string, of: Mutation<Result>): void {
  builder.relayMutationField(
    name,
    {
      description: `Input of ${name}.`,
      inputFields: (t) => ({ ...of.input(t), idempotencyKey: idempotencyKeyField(t) }),
    },
    {
      description: `${of.description} Null when it is refused; \`errors\` has the code.`,
      nullable: true,
      resolve: (_root, { input }, context) => execute<never>(context, of.command as never, input),
    },
    {
      description: of.payloadDescription ?? `Result of ${name}.`,
      outputFields: (t) => {
        const fields = t as unknown as PayloadFields<Result>;
        return { ...of.payload(fields), revision: revisionField(fields) };
      },
    },
  );
}
