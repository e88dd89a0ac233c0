import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import type PrismaTypes from '../database/generated/pothos.js';
import { getDatamodel } from '../database/generated/pothos.js';
import type { GraphqlContext } from './context.js';

/** Page sizes of every connection. */
const defaultPageSize = 20;
const maxPageSize = 100;

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
    pageInfoTypeOptions: { description: 'Where a page stands in its list (Relay connections).' },
    hasNextPageFieldOptions: { description: 'Whether there is more after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: {
      description: 'Cursor of the first edge; give it as `before` for the page before.',
    },
    endCursorFieldOptions: { description: 'Cursor of the last edge; give it as `after` for the next page.' },
    cursorFieldOptions: { description: 'Opaque position of this edge in the list.' },
    nodeFieldOptions: { description: 'The entry itself.', nullable: false },
    edgesFieldOptions: { description: 'The entries of this page with their cursors.', nullable: false },
    pageInfoFieldOptions: { description: 'Where this page stands in the list.' },
    firstArgOptions: { description: `How many entries from the start, at most ${maxPageSize}.` },
    lastArgOptions: { description: `How many entries from the end, at most ${maxPageSize}.` },
    afterArgOptions: { description: 'Only entries after this cursor.' },
    beforeArgOptions: { description: 'Only entries before this cursor.' },
    mutationInputArgOptions: { description: 'What to do.' },
  },
});

builder.queryType({ description: 'Reads. Each field says which scope the key needs.' });
builder.mutationType({
  description:
    'Changes. Each is one transaction, recorded in the audit log, and answers with the registry’s `revision` that holds ' +
    'it. Several in one request run one after the other until one is refused: those before it stand, those after it are ' +
    'not begun, `data` is null and `errors[].path` tells which it was.',
});
