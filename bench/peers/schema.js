/** The two queries of the gateway that are measured, with a Map as cache: for every GraphQL server but the gateway itself. */
import { loadRoutes } from './routes.js';

export const typeDefs = /* GraphQL */ `
  scalar ModuleName
  type TenantSchema {
    tenantId: ID!
    schemaName: String!
    searchPath: String!
    databaseName: String!
  }
  type TenantSchemaRefusal {
    code: String!
  }
  union TenantSchemaResult = TenantSchema | TenantSchemaRefusal
  input TenantSchemaKey {
    id: ID!
    module: ModuleName!
  }
  type Query {
    tenantSchema(id: ID!, module: ModuleName!): TenantSchema
    tenantSchemas(keys: [TenantSchemaKey!]!): [TenantSchemaResult!]!
  }
`;

/** @type {Map<string, object>} */
const routes = new Map();
for (const [id, route] of await loadRoutes()) routes.set(id, { __typename: 'TenantSchema', ...route });
const refusal = { __typename: 'TenantSchemaRefusal', code: 'TENANT_NOT_FOUND' };

export const resolvers = {
  Query: {
    /** @param {unknown} _root @param {{ id: string }} key */
    tenantSchema: (_root, { id }) => routes.get(id) ?? null,
    /** @param {unknown} _root @param {{ keys: { id: string }[] }} given */
    tenantSchemas: (_root, { keys }) => keys.map(({ id }) => routes.get(id) ?? refusal),
  },
};
