import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type SelectionSetNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { asksForSchema } from '../introspection.js';
import { planQuery, type QueryPlan } from './plan.js';

/** A document that was parsed, validated and found to have the operation that is asked for. */
export interface PreparedOperation {
  kind: 'query' | 'mutation';
  document: DocumentNode;
  /** The fields it begins with, by their names in the schema, for the log. */
  rootFields: readonly string[];
  asksForSchema: boolean;
  /** Undefined: graphql-js executes the document. */
  plan: QueryPlan | undefined;
}

/** Says why a document may not be executed, by the same rules and limits whichever way it came. */
export type Validate = (
  schema: GraphQLSchema,
  query: string,
) => { document: DocumentNode } | { errors: readonly GraphQLError[] };

export interface DocumentCache {
  /** Undefined for what is no query or mutation that could be executed. */
  prepare(query: string, operationName: string | undefined): PreparedOperation | undefined;
}

/** A document with what was found out about it. It counts for one schema and no other. */
interface KnownDocument {
  schema: GraphQLSchema;
  document: DocumentNode | undefined;
  operations: Map<string | undefined, PreparedOperation | undefined>;
}

const maxDocuments = 2_000;
/** In characters of all documents together; what is made of a document takes several times its length. */
const maxSize = 2_000_000;
/** Longer ones are prepared each time: few of them would displace all others. */
const maxLength = 50_000;

/** Prepared documents by their text, those that are refused too. */
export function openDocumentCache(options: {
  schema: () => GraphQLSchema;
  validate: Validate;
}): DocumentCache {
  const known = new LRUCache<string, KnownDocument>({
    max: maxDocuments,
    maxSize,
    sizeCalculation: (_document, query) => query.length + 1,
    maxEntrySize: maxLength,
  });

  return {
    prepare(query, operationName) {
      const schema = options.schema();
      let held = known.get(query);
      if (!held || held.schema !== schema) {
        const read = options.validate(schema, query);
        held = { schema, document: 'document' in read ? read.document : undefined, operations: new Map() };
        known.set(query, held);
      }
      const { document, operations } = held;
      if (!document) return undefined;
      const prepared = operations.get(operationName);
      if (prepared) return prepared;
      const made = prepareOperation(schema, document, operationName);
      // Names that are not in the document are not remembered: a client can think of any number of them.
      if (made) operations.set(operationName, made);
      return made;
    },
  };
}

function prepareOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): PreparedOperation | undefined {
  const operation = getOperationAST(document, operationName);
  if (!operation || operation.operation === 'subscription') return undefined;
  return {
    kind: operation.operation,
    document,
    rootFields: rootFieldsOf(document, operation.selectionSet),
    asksForSchema: asksForSchema(document),
    plan: planQuery(schema, document, operation),
  };
}

/** The fields that an operation begins with, those in fragments included; each named fragment counts once. */
function rootFieldsOf(document: DocumentNode, selectionSet: SelectionSetNode): string[] {
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === 'FragmentDefinition' ? [[one.name.value, one.selectionSet] as const] : [],
    ),
  );
  const collect = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((selection) => {
      if (selection.kind === 'Field') return [selection.name.value];
      if (selection.kind === 'InlineFragment') return collect(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      fragments.delete(selection.name.value);
      return fragment ? collect(fragment) : [];
    });
  return collect(selectionSet);
}
