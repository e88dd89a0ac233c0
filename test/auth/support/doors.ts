import { schema } from '../../../src/graphql/schema.js';
import { partEndpoints } from '../../../src/rest/tenant-parts.js';
import { tenantEndpoints } from '../../../src/rest/tenants.js';
import { everyOperation } from './every-operation.js';

/** The right that a door demands. A member's right counts for a tenant that the member belongs to. */
interface Demand {
  /** Undefined: every caller with a valid credential passes. */
  scope: string | undefined;
  role?: 'MEMBER' | 'ADMIN';
}

/** The right that each field of the root types demands. A field without a row fails the matrix. */
const demands: Record<string, Demand> = {
  tenantSchema: { scope: 'resolve:finance' },
  explainResolution: { scope: 'resolve:finance' },
  tenantSchemas: { scope: 'resolve:finance' },
  tenant: { scope: 'registry:read', role: 'MEMBER' },
  tenants: { scope: 'registry:read' },
  modules: { scope: 'registry:read' },
  module: { scope: 'registry:read' },
  gateways: { scope: 'registry:read' },
  slugSuggestion: { scope: 'registry:read' },
  registryStats: { scope: 'registry:read' },
  planLimits: { scope: 'registry:read' },
  bulkPreview: { scope: 'registry:read' },
  checkQuota: { scope: 'usage:record' },
  apiKeys: { scope: 'keys:manage' },
  operation: { scope: 'registry:read' },
  operations: { scope: 'registry:read' },
  rollout: { scope: 'registry:read' },
  rollouts: { scope: 'registry:read' },
  rolloutPlan: { scope: 'registry:read' },
  clientConfig: { scope: 'registry:read' },
  clientConfigs: { scope: 'registry:read' },
  auditLog: { scope: 'audit:read' },
  viewer: { scope: undefined },
  // An object that the caller may not read is null.
  node: { scope: undefined },
  nodes: { scope: undefined },
  registerTenant: { scope: 'registry:write' },
  updateTenant: { scope: 'registry:write' },
  suspendTenant: { scope: 'registry:write' },
  resumeTenant: { scope: 'registry:write' },
  deleteTenant: { scope: 'registry:write' },
  restoreTenant: { scope: 'registry:write' },
  purgeTenant: { scope: 'registry:write' },
  suspendTenants: { scope: 'registry:write' },
  resumeTenants: { scope: 'registry:write' },
  subscribeTenants: { scope: 'registry:write' },
  updateTenants: { scope: 'registry:write' },
  updatePlanLimits: { scope: 'registry:write' },
  recordUsage: { scope: 'usage:record' },
  recordUsages: { scope: 'usage:record' },
  addTenantExternalId: { scope: 'registry:write' },
  removeTenantExternalId: { scope: 'registry:write' },
  updateTenantConfig: { scope: 'registry:write' },
  updateTenantSettings: { scope: 'registry:write', role: 'ADMIN' },
  updateTenantBranding: { scope: 'registry:write', role: 'ADMIN' },
  inviteTenantMember: { scope: 'registry:write', role: 'ADMIN' },
  removeTenantMember: { scope: 'registry:write', role: 'ADMIN' },
  updateTenantMember: { scope: 'registry:write', role: 'ADMIN' },
  revokeInvitation: { scope: 'registry:write', role: 'ADMIN' },
  registerModule: { scope: 'registry:write' },
  updateModule: { scope: 'registry:write' },
  retireModule: { scope: 'registry:write' },
  removeModule: { scope: 'registry:write' },
  suspendSubscription: { scope: 'registry:write' },
  resumeSubscription: { scope: 'registry:write' },
  subscribeTenantToModule: { scope: 'registry:write' },
  unsubscribeTenantFromModule: { scope: 'registry:write' },
  provisionModule: { scope: 'provision' },
  provisionTenant: { scope: 'provision' },
  markModuleProvisioned: { scope: 'provision' },
  retryOperation: { scope: 'provision' },
  cancelOperation: { scope: 'provision' },
  startRollout: { scope: 'provision' },
  pauseRollout: { scope: 'provision' },
  resumeRollout: { scope: 'provision' },
  retryRollout: { scope: 'provision' },
  skipTenantInRollout: { scope: 'provision' },
  cancelRollout: { scope: 'provision' },
  drift: { scope: 'registry:read' },
  repairDrift: { scope: 'provision' },
  createApiKey: { scope: 'keys:manage' },
  rotateApiKey: { scope: 'keys:manage' },
  revokeApiKey: { scope: 'keys:manage' },
  routesChanged: { scope: 'resolve:finance' },
  operationProgress: { scope: 'registry:read' },
  rolloutProgress: { scope: 'registry:read' },
};

/** Fields that any token may use: acceptInvitation makes its subject a member. */
const forAnyToken = ['acceptInvitation'];

/** The rights that the methods of the REST API and the other paths demand. */
const pathDemands: Record<string, Demand> = {
  'GET /api/tenants': { scope: 'registry:read' },
  'POST /api/tenants': { scope: 'provision' },
  'GET /api/tenants/{slug}': { scope: 'registry:read' },
  'DELETE /api/tenants/{slug}': { scope: 'registry:write' },
  'GET /api/v1/tenants/{slug}/settings': { scope: 'registry:read', role: 'MEMBER' },
  'PUT /api/v1/tenants/{slug}/settings': { scope: 'registry:write', role: 'ADMIN' },
  'GET /api/v1/tenants/{slug}/branding': { scope: 'registry:read', role: 'MEMBER' },
  'PUT /api/v1/tenants/{slug}/branding': { scope: 'registry:write', role: 'ADMIN' },
  'POST /lease': { scope: 'resolve:finance' },
  'POST /graphql { __schema }': { scope: 'schema:read' },
};

export interface Door extends Demand {
  name: string;
  method: string;
  path: string;
  accept: string;
  body: string | undefined;
}

/** Fields and paths of the product that the tables above do not have, and rows without a field or path. */
export function findDifferences(): string[] {
  const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
    (type) => Object.keys(type?.getFields() ?? {}),
  );
  const rows = [...Object.keys(demands), ...forAnyToken];
  const { collection, member } = tenantEndpoints;
  const paths = [
    ...Object.keys(collection).map((method) => `${method} /api/tenants`),
    ...Object.keys(member).map((method) => `${method} /api/tenants/{slug}`),
    ...Object.entries(partEndpoints).flatMap(([part, endpoints]) =>
      Object.keys(endpoints).map((method) => `${method} /api/v1/tenants/{slug}/${part}`),
    ),
  ];
  const pathRows = Object.keys(pathDemands).filter((row) => row.includes(' /api/'));
  return [
    difference(fields, rows),
    difference(rows, fields),
    difference(paths, pathRows),
    difference(pathRows, paths),
  ].flat();
}

function difference(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((one) => !others.includes(one));
}

const nobody = '00000000-0000-4000-8000-000000000000';
const json = 'application/graphql-response+json';

/** Documents that are not generated: about a tenant that its members may read and change, and with refusals in the result. */
const ownDocuments = (tenantId: string): Record<string, string> => ({
  tenantSchemas: `{ tenantSchemas(keys: [{ id: "${tenantId}", module: "finance" }]) { ... on TenantSchemaRefusal { code } } }`,
  tenant: `{ tenant(id: "${tenantId}") { slug } }`,
  updateTenantSettings: `mutation { updateTenantSettings(input: { tenantId: "${tenantId}", companyName: "New" }) { revision } }`,
  updateTenantBranding: `mutation { updateTenantBranding(input: { tenantId: "${tenantId}", primaryColor: "#000000" }) { revision } }`,
  inviteTenantMember: `mutation { inviteTenantMember(input: { tenantId: "${tenantId}", email: "new@acme.example" }) { revision } }`,
  removeTenantMember: `mutation { removeTenantMember(input: { tenantId: "${tenantId}", memberId: "${nobody}" }) { revision } }`,
  updateTenantMember: `mutation { updateTenantMember(input: { tenantId: "${tenantId}", memberId: "${nobody}", role: ADMIN }) { revision } }`,
  revokeInvitation: `mutation { revokeInvitation(input: { tenantId: "${tenantId}", memberId: "${nobody}" }) { revision } }`,
});

const streams: Record<string, string> = {
  routesChanged: 'subscription { routesChanged { revision } }',
  operationProgress: `subscription { operationProgress(id: "${nobody}") { isEnd } }`,
  rolloutProgress: `subscription { rolloutProgress(id: "${nobody}") { isEnd } }`,
};

/** Every door of the product with its demand; those for members are about this tenant. */
export function everyDoor(tenantId: string): Door[] {
  const documents = new Map(everyOperation().map(({ field, query }) => [field, query]));
  const about = ownDocuments(tenantId);
  const graphqlRequest = (name: string, query: string, accept: string, demand: Demand): Door => ({
    ...demand,
    name,
    method: 'POST',
    path: '/graphql',
    accept,
    body: JSON.stringify({ query }),
  });
  const fields = Object.entries(demands).flatMap(([field, demand]) => {
    const stream = streams[field];
    if (stream) return [graphqlRequest(`SSE ${field}`, stream, 'text/event-stream', demand)];
    const query = about[field] ?? documents.get(field) ?? '';
    return [
      graphqlRequest(field, query, json, demand),
      // The same document through Yoga instead of the engine.
      graphqlRequest(`SSE ${field}`, query, 'text/event-stream', demand),
    ];
  });
  const paths = Object.entries(pathDemands).map(([name, demand]): Door => {
    const [method = '', path = ''] = name.split(' ');
    if (path === '/graphql')
      return graphqlRequest('introspection', '{ __schema { types { name } } }', json, demand);
    const body = path === '/lease' ? JSON.stringify({ client: nobody }) : '{}';
    return {
      ...demand,
      name,
      method,
      path: path.replace('{slug}', demand.role ? tenantId : 'nobody'),
      accept: 'application/json',
      body: method === 'GET' || method === 'DELETE' ? undefined : body,
    };
  });
  return [...fields, ...paths];
}

/** Requests about one tenant, at every door that reads one, whose answers name the tenant. */
export function tenantDoors({ id, slug }: { id: string; slug: string }): Omit<Door, 'scope'>[] {
  const route = 'tenantId tenantSlug schemaName';
  const documents: Record<string, string> = {
    tenantSchema: `{ tenantSchema(id: "${id}", module: "finance") { ${route} } }`,
    'tenantSchema by slug': `{ tenantSchema(id: "${slug}", module: "finance") { ${route} } }`,
    'tenantSchema, STRONG': `{ tenantSchema(id: "${id}", module: "finance", consistency: STRONG) { ${route} } }`,
    tenantSchemas: `{ tenantSchemas(keys: [{ id: "${id}", module: "finance" }]) { ... on TenantSchema { ${route} } } }`,
    explainResolution: `{ explainResolution(id: "${id}", module: "finance") { route { ${route} } } }`,
    tenant: `{ tenant(id: "${id}") { id slug config modulesSubscribed members { edges { node { email } } } } }`,
    tenants: `{ tenants(first: 5, filter: { text: "${slug}" }) { edges { node { id slug } } } }`,
    auditLog: `{ auditLog(tenantId: "${id}", first: 5) { edges { node { tenantId kind after } } } }`,
  };
  const graphql = Object.entries(documents).flatMap(([name, query]) =>
    [json, 'text/event-stream'].map((accept) => ({
      ...{ name: `${name} as ${accept}`, method: 'POST', path: '/graphql', accept },
      body: JSON.stringify({ query }),
    })),
  );
  const paths = [
    ...['/api/tenants', '/api/v1/admin/tenants'].map((path) => `${path}/{slug}`),
    '/api/v1/tenants/{slug}/settings',
  ];
  const rest = paths.map((path) => ({
    ...{ name: `GET ${path}`, method: 'GET', path: path.replace('{slug}', slug) },
    ...{ accept: 'application/json', body: undefined },
  }));
  return [...graphql, ...rest];
}
