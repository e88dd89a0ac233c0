import {
  defaultFieldResolver,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  locatedError,
  type OperationDefinitionNode,
  type ResponsePath,
  responsePathAsArray,
} from 'graphql';
import { CollectedErrors } from './collected-errors.js';
import type { FieldPlan, ObjectPlan, QueryPlan, ValuePlan } from './plan.js';

/** One execution of a plan. */
class Run {
  readonly plan: QueryPlan;
  readonly context: unknown;
  readonly variables: Record<string, unknown>;
  /** Made for the first error. */
  #errors: CollectedErrors | undefined;

  constructor(plan: QueryPlan, context: unknown, variables: Record<string, unknown>) {
    this.plan = plan;
    this.context = context;
    this.variables = variables;
  }

  addError(error: GraphQLError, path: ResponsePath | undefined): void {
    this.#errors ??= new CollectedErrors();
    this.#errors.add(error, path);
  }

  respond(data: unknown): ExecutionResult {
    // Executing an object answers an object or null.
    const answered = data as Record<string, unknown> | null;
    return this.#errors ? { errors: this.#errors.all, data: answered } : { data: answered };
  }

  fail(error: unknown): ExecutionResult {
    this.addError(error as GraphQLError, undefined);
    return this.respond(null);
  }
}

/**
 * The position of a value in the answer, and what its resolver is told about it. Made for every field, so it holds three
 * references and finds the rest where a resolver asks.
 */
class Place implements GraphQLResolveInfo {
  readonly run: Run;
  readonly field: FieldPlan;
  readonly path: ResponsePath;

  constructor(run: Run, field: FieldPlan, path: ResponsePath) {
    this.run = run;
    this.field = field;
    this.path = path;
  }

  get fieldName(): string {
    return this.field.definition.name;
  }

  get fieldNodes(): readonly FieldNode[] {
    return this.field.nodes;
  }

  get returnType(): GraphQLOutputType {
    return this.field.definition.type;
  }

  get parentType(): GraphQLObjectType {
    return this.field.parentType;
  }

  get schema(): GraphQLSchema {
    return this.run.plan.schema;
  }

  get fragments(): Record<string, FragmentDefinitionNode> {
    return this.run.plan.fragments;
  }

  get rootValue(): undefined {
    return undefined;
  }

  get operation(): OperationDefinitionNode {
    return this.run.plan.operation;
  }

  get variableValues(): Record<string, unknown> {
    return this.run.variables;
  }
}

/**
 * Executes a query as graphql-js does, with the same answers and errors: a promise only where a resolver returned one,
 * and resolvers get the same four arguments. planQuery refuses everything that graphql-js does and this does not.
 */
export function executePlan(
  plan: QueryPlan,
  context: unknown,
  given: Record<string, unknown> | undefined,
): ExecutionResult | Promise<ExecutionResult> {
  const variables = plan.readVariables(given);
  if ('errors' in variables) return { errors: variables.errors };
  const run = new Run(plan, context, variables.coerced);
  try {
    const data = executeFields(run, plan.root, undefined, undefined);
    return isPromise(data)
      ? data.then(
          (done) => run.respond(done),
          (error) => run.fail(error),
        )
      : run.respond(data);
  } catch (error) {
    return run.fail(error);
  }
}

function executeFields(run: Run, plan: ObjectPlan, source: unknown, parent: ResponsePath | undefined) {
  const results: Record<string, unknown> = {};
  let hasPromise = false;
  const typename = plan.type.name;
  try {
    for (const field of plan.fields) {
      const result = executeField(run, field, source, { prev: parent, key: field.key, typename });
      if (result === undefined) continue;
      results[field.key] = result;
      if (isPromise(result)) hasPromise = true;
    }
  } catch (error) {
    if (!hasPromise) throw error;
    // The others' promises are waited for: they may reject as well.
    return resolveEach(results).finally(() => {
      throw error;
    });
  }
  return hasPromise ? resolveEach(results) : results;
}

/** In as many turns as graphql-js takes: the order of errors in the answer depends on it. */
function resolveEach(results: Record<string, unknown>): Promise<Record<string, unknown>> {
  return Promise.all(Object.values(results)).then((values) => {
    for (const [at, key] of Object.keys(results).entries()) results[key] = values[at];
    return results;
  });
}

function executeField(run: Run, field: FieldPlan, source: unknown, path: ResponsePath): unknown {
  const place = new Place(run, field, path);
  try {
    const resolve = field.definition.resolve ?? defaultFieldResolver;
    const result: unknown = resolve(source, field.readArguments(run.variables), run.context, place);
    const completed = isPromise(result)
      ? result.then((resolved) => complete(run, field.value, place, resolved))
      : complete(run, field.value, place, result);
    return isPromise(completed)
      ? completed.then(undefined, (error) => recordError(place, error, field.value.kind === 'non-null'))
      : completed;
  } catch (error) {
    return recordError(place, error, field.value.kind === 'non-null');
  }
}

/** An error makes its place null, or the next one outwards that may be null. */
function recordError({ run, field, path }: Place, error: unknown, isNonNull: boolean): null {
  const located = locatedError(error, field.nodes as FieldNode[], responsePathAsArray(path));
  if (isNonNull) throw located;
  run.addError(located, path);
  return null;
}

function complete(run: Run, plan: ValuePlan, place: Place, value: unknown): unknown {
  if (value instanceof Error) throw value;
  if (plan.kind === 'non-null') {
    const completed = complete(run, plan.inner, place, value);
    if (completed !== null) return completed;
    const { parentType, fieldName } = place;
    throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${fieldName}.`);
  }
  if (value === null || value === undefined) return null;
  switch (plan.kind) {
    case 'leaf':
      return completeLeaf(plan, value);
    case 'object':
      return executeFields(run, plan, value, place.path);
    case 'list':
      return completeList(run, plan, place, value);
    case 'union':
      return completeUnion(run, plan, place, value);
  }
}

function completeLeaf({ type }: Extract<ValuePlan, { kind: 'leaf' }>, value: unknown): unknown {
  const serialized: unknown = type.serialize(value);
  if (serialized !== null && serialized !== undefined) return serialized;
  throw new Error(
    `Expected \`${type.name}.serialize(${String(value)})\` to return non-nullable value, returned: ${serialized}`,
  );
}

function completeList(
  run: Run,
  { item, isItemNonNull }: Extract<ValuePlan, { kind: 'list' }>,
  place: Place,
  value: unknown,
): unknown {
  const { parentType, fieldName } = place;
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value))
    throw new GraphQLError(
      `Expected Iterable, but did not find one for field "${parentType.name}.${fieldName}".`,
    );
  const completed: unknown[] = [];
  try {
    // An object with Symbol.iterator can be iterated.
    for (const entry of value as Iterable<unknown>) {
      const path = { prev: place.path, key: completed.length, typename: undefined };
      const at = new Place(run, place.field, path);
      completed.push(completeItem(run, { item, isItemNonNull }, at, entry));
    }
  } catch (error) {
    // The other items are given up. One of them that fails later must not end the process.
    for (const pending of completed) if (isPromise(pending)) pending.catch(() => undefined);
    throw error;
  }
  return completed.some(isPromise) ? Promise.all(completed) : completed;
}

function completeItem(
  run: Run,
  { item, isItemNonNull }: { item: ValuePlan; isItemNonNull: boolean },
  at: Place,
  entry: unknown,
): unknown {
  try {
    const result = isPromise(entry)
      ? entry.then((resolved) => complete(run, item, at, resolved))
      : complete(run, item, at, entry);
    return isPromise(result)
      ? result.then(undefined, (error) => recordError(at, error, isItemNonNull))
      : result;
  } catch (error) {
    return recordError(at, error, isItemNonNull);
  }
}

function completeUnion(
  run: Run,
  { type, plans }: Extract<ValuePlan, { kind: 'union' }>,
  place: Place,
  value: unknown,
): unknown {
  // planQuery takes only unions that tell by themselves which of their types a value is.
  const name = type.resolveType?.(value, run.context, place, type);
  const executeAs = (typeName: unknown) => {
    const plan = typeof typeName === 'string' ? plans.get(typeName) : undefined;
    if (!plan)
      throw new GraphQLError(
        `Union "${type.name}" was resolved to "${String(typeName)}", which is none of its types.`,
        { nodes: place.field.nodes },
      );
    return executeFields(run, plan, value, place.path);
  };
  return isPromise(name) ? name.then(executeAs) : executeAs(name);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
