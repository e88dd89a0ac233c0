/* eslint-disable */
import * as types from './graphql.js';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation RegisterTenant($input: RegisterTenantInput!) {\n    registerTenant(input: $input) { tenant { id slug } revision }\n  }\n": typeof types.RegisterTenantDocument,
    "\n  mutation SubscribeTenant($input: SubscribeTenantToModuleInput!) {\n    subscribeTenantToModule(input: $input) { operation { id status error } revision }\n  }\n": typeof types.SubscribeTenantDocument,
    "\n  query ReadOperation($id: ID!) { operation(id: $id) { id status error } }\n": typeof types.ReadOperationDocument,
};
const documents: Documents = {
    "\n  mutation RegisterTenant($input: RegisterTenantInput!) {\n    registerTenant(input: $input) { tenant { id slug } revision }\n  }\n": types.RegisterTenantDocument,
    "\n  mutation SubscribeTenant($input: SubscribeTenantToModuleInput!) {\n    subscribeTenantToModule(input: $input) { operation { id status error } revision }\n  }\n": types.SubscribeTenantDocument,
    "\n  query ReadOperation($id: ID!) { operation(id: $id) { id status error } }\n": types.ReadOperationDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RegisterTenant($input: RegisterTenantInput!) {\n    registerTenant(input: $input) { tenant { id slug } revision }\n  }\n"): typeof import('./graphql.js').RegisterTenantDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubscribeTenant($input: SubscribeTenantToModuleInput!) {\n    subscribeTenantToModule(input: $input) { operation { id status error } revision }\n  }\n"): typeof import('./graphql.js').SubscribeTenantDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadOperation($id: ID!) { operation(id: $id) { id status error } }\n"): typeof import('./graphql.js').ReadOperationDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
