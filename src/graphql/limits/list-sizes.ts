/**
 * Estimated number of entries of each list that has no argument for its length, for the estimate of a query's cost. A
 * test demands an entry for each such field.
 */
export const listSizes: Readonly<Record<string, number>> = {
  'Query.modules': 20,
  'Query.gateways': 20,
  'Query.planLimits': 3,
  'Tenant.usage': 3,
  'RegistryStats.growth': 400,
  'RegistryStats.modules': 20,
  'RegistryStats.quotas': 3,
  'TenantStats.byStatus': 7,
  'TenantStats.byPlan': 3,
  'ModuleStats.subscriptions': 8,
  'ClientConfig.problems': 5,
  'ClientConfig.replaced': 5,
  'Operation.steps': 4,
  'BulkPreview.refused': 5,
  'OperationAttempt.steps': 4,
  'Tenant.subscriptions': 4,
  'Module.subscriptionCounts': 8,
  'Module.pools': 2,
  'RolloutProgress.waves': 5,
  'RolloutPlan.pending': 5,
  'RolloutPlan.problems': 5,
  'RolloutPlan.versions': 10,
  'RolloutPlan.excluded': 5,
  'PendingMigration.statements': 10,
  'MigrationStatement.warnings': 2,
};

export const unknownListSize = 10;

interface Counted {
  /** Name of the argument, and of the field within it. */
  argument: readonly [string, ...string[]];
  /** The most entries that the resolver takes. */
  max: number;
}

/** Lists with one entry for each entry of an argument. */
export const listArguments: Readonly<Record<string, Counted>> = {
  'Query.tenantSchemas': { argument: ['keys'], max: 500 },
  'Query.nodes': { argument: ['ids'], max: 100 },
};

/** Fields that work on each entry of an argument, whether the results are selected or not. The list below them is as long. */
export const workArguments: Readonly<Record<string, Counted & { list: string }>> = {
  'Mutation.recordUsages': {
    argument: ['input', 'records'],
    max: 500,
    list: 'RecordUsagesPayload.results',
  },
};

/** Lists of the types that describe the schema. */
export const introspectionSizes: Readonly<Record<string, number>> = {
  types: 200,
  directives: 6,
  fields: 10,
  inputFields: 10,
  enumValues: 6,
  args: 2,
  interfaces: 1,
  possibleTypes: 2,
};

/** Leaves that take a statement of their own. */
export const leafCosts: Readonly<Record<string, number>> = { totalCount: 50 };

/** Cost of a field itself, beside that of its objects, where it does more work than its answer shows. */
export const fieldCosts: Readonly<Record<string, number>> = {
  // The rule is evaluated for at most 10,000 tenants. One preview is within every budget, so that callers without the scope are told so.
  'Query.bulkPreview': 900,
  // Four counts, each as a totalCount of at most 10,000 rows.
  'RegistryStats.operations': 200,
};

/** Page sizes of lists with `first` and `last`, unless the schema has a default for the argument. */
export const defaultPageSize = 20;
export const maxPageSize = 100;

/** Cost of an object that describes the schema, which takes no database. */
export const introspectionCost = 0.1;
