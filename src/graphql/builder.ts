import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import type PrismaTypes from '../database/generated/pothos.js';
import { getDatamodel } from '../database/generated/pothos.js';
import type { GraphqlContext } from './context.js';

/** Page sizes of every connection. */
export const defaultPageSize = 20;
export const maxPageSize = 100;

export const builder = new SchemaBuilder<{
  Context: GraphqlContext;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
    ModuleName: { Input: string; Output: string };
    Revision: { Input: string; Output: string };
    Scope: { Input: string; Output: string };
  };
}>({
  plugins: [PrismaPlugin, RelayPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: (context) => context.prisma,
    dmmf: getDatamodel(),
    filterConnectionTotalCount: true,
    defaultConnectionSize: defaultPageSize,
    maxConnectionSize: maxPageSize,
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodesOnConnection: false,
    pageInfoTypeOptions: { description: 'Position of a page in its list (Relay connections).' },
    hasNextPageFieldOptions: { description: 'Whether the list continues after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list continues before this page.' },
    startCursorFieldOptions: {
      description: 'Cursor of the first edge; pass it as `before` to read the previous page.',
    },
    endCursorFieldOptions: {
      description: 'Cursor of the last edge; pass it as `after` to read the next page.',
    },
    cursorFieldOptions: { description: 'Opaque position of this edge in the list.' },
    nodeFieldOptions: { description: 'The list entry.', nullable: false },
    edgesFieldOptions: { description: 'The entries of this page with their cursors.', nullable: false },
    pageInfoFieldOptions: { description: 'Position of this page in the list.' },
    firstArgOptions: { description: `Number of entries from the start of the list, at most ${maxPageSize}.` },
    lastArgOptions: { description: `Number of entries from the end of the list, at most ${maxPageSize}.` },
    afterArgOptions: { description: 'Only entries after this cursor.' },
    beforeArgOptions: { description: 'Only entries before this cursor.' },
    mutationInputArgOptions: { description: 'Input of the mutation.' },
  },
});

builder.queryType({ description: 'Reads. Each field names the scope that the API key needs.' });
builder.mutationType({
  description:
    'Changes. Each mutation is one transaction, is recorded in the audit log, and returns the registry’s ' +
    '`revision` that contains it. Mutations of one request run one after the other. One that is refused is ' +
    'null, and `errors[].path` names it; the others run and are answered.',
});
