import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type SelectionSetNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { asksForSchema } from '../introspection.js';
import { type CostEstimate, estimateCost } from '../limits/cost-estimate.js';
import { planQuery, type QueryPlan } from './plan.js';

/** A document that was parsed, validated and found to have the operation that is asked for. */
export interface PreparedOperation {
  kind: 'query' | 'mutation';
  /** Its name in the document; undefined: none. */
  name: string | undefined;
  document: DocumentNode;
  /** The fields it begins with, by their names in the schema, for the log. */
  rootFields: readonly string[];
  asksForSchema: boolean;
  /** The cost, as far as it does not depend on variables. */
  cost: CostEstimate;
  /** Whether it asks for anything besides routes, which have a way of their own to the database. */
  readsRows: boolean;
  /** Undefined: graphql-js executes the document. */
  plan: QueryPlan | undefined;
}

/** Says why a document may not be executed, by the same rules and limits whichever way it came. */
export type Validate = (schema: GraphQLSchema, query: string) => { document: DocumentNode } | RefusedDocument;

interface RefusedDocument {
  errors: readonly GraphQLError[];
}

export interface DocumentCache {
  /** Whether the document was read before and asks for no schema: then its request takes little time. */
  isLight(query: string): boolean;
  /** Whether the operation was prepared before and is a query for nothing but routes. */
  readsNoRows(query: string, operationName: string | undefined): boolean;
  /**
   * Notes in `outcome` that any other document is to be measured. Returns the errors of a document that is refused; undefined
   * when it has no query or mutation that could be executed.
   */
  prepare(
    query: string,
    operationName: string | undefined,
    outcome?: { isMeasured?: boolean },
  ): PreparedOperation | RefusedDocument | undefined;
}

/** A document with what was found out about it. It counts for one schema and no other. */
interface KnownDocument {
  schema: GraphQLSchema;
  read: { document: DocumentNode } | RefusedDocument;
  asksForSchema: boolean;
  operations: Map<string | undefined, PreparedOperation | undefined>;
}

const maxDocuments = 2_000;
/** Fields of Query that read no rows through connections of their own. */
const rowlessFields = new Set([
  'tenantSchema',
  'tenantSchemas',
  'explainResolution',
  'checkQuota',
  '__typename',
  '__schema',
  '__type',
]);
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
    isLight(query) {
      const held = known.peek(query);
      return held?.schema === options.schema() && !held.asksForSchema;
    },
    readsNoRows(query, operationName) {
      const held = known.peek(query);
      if (held?.schema !== options.schema() || held.asksForSchema) return false;
      const prepared = held.operations.get(operationName);
      return prepared?.kind === 'query' && !prepared.readsRows;
    },
    prepare(query, operationName, outcome) {
      const schema = options.schema();
      let held = known.get(query);
      if (!held || held.schema !== schema) {
        const read = options.validate(schema, query);
        held = {
          schema,
          read,
          asksForSchema: 'document' in read && asksForSchema(read.document),
          operations: new Map(),
        };
        known.set(query, held);
        if (outcome) outcome.isMeasured = true;
      }
      const { read, operations } = held;
      if ('errors' in read) return read;
      const { document } = read;
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
  const rootFields = rootFieldsOf(document, operation.selectionSet);
  return {
    kind: operation.operation,
    name: operation.name?.value,
    document,
    rootFields,
    asksForSchema: asksForSchema(document),
    cost: estimateCost(schema, document, operation),
    readsRows: rootFields.some((name) => !rowlessFields.has(name)),
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
