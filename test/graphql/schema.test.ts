import {
  buildSchema,
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';

/** The public contract. The schema may contain more, but none of this may be missing. */
const contract = buildSchema(`
  scalar ModuleName
  scalar Revision
  scalar Scope
  scalar JSON
  scalar DateTime
  enum Consistency { CACHED STRONG }
  enum TenantStatus { PENDING PROVISIONING ACTIVE SUSPENDED FAILED DELETED PURGED }
  enum SubscriptionStatus { PENDING PROVISIONING ACTIVE MIGRATING SUSPENDED FAILED DEPROVISIONING CANCELLED }
  enum OperationStatus { QUEUED RUNNING SUCCEEDED FAILED COMPENSATING COMPENSATED CANCELLED NEEDS_ATTENTION }
  enum Isolation { SCHEMA DATABASE }
  enum Plan { LITE PRO ENTERPRISE }
  enum ConfigSource { YAML DATABASE }

  type Query {
    tenantSchema(id: ID!, module: ModuleName!, consistency: Consistency = CACHED, minRevision: Revision): TenantSchema
    tenantSchemas(keys: [TenantSchemaKey!]!, minRevision: Revision): [TenantSchemaResult!]!
    node(id: ID!): Node
    nodes(ids: [ID!]!): [Node]!
    tenant(id: ID!): Tenant
    tenants(first: Int, after: String, last: Int, before: String, filter: TenantFilter, orderBy: TenantOrder): TenantConnection!
    modules: [Module!]!
    operation(id: ID!): Operation
    auditLog(tenantId: ID, first: Int, after: String): AuditLogConnection!
    viewer: Viewer!
    apiKeys(first: Int, after: String): ApiKeyConnection!
    module(name: ModuleName!): Module
    gateways: [Gateway!]!
    slugSuggestion(name: String!): SlugSuggestion!
    operations(first: Int, after: String, filter: OperationFilter, orderBy: OperationOrder): OperationConnection!
  }
  type TenantSchema {
    tenantId: ID! tenantSlug: String! module: ModuleName!
    schemaName: String! searchPath: String! databaseName: String! isolation: Isolation!
    generation: Int! revision: Revision! leaseRemainingMs: Int!
  }
  union TenantSchemaResult = TenantSchema | TenantSchemaRefusal
  type TenantSchemaRefusal { code: ErrorCode! message: String! tenantId: ID! module: ModuleName! }
  input TenantSchemaKey { id: ID! module: ModuleName! }

  type Tenant {
    id: ID! slug: String! name: String! shortName: String status: TenantStatus! plan: Plan!
    maxUsers: Int! maxMonthlyQuotes: Int! maxStorageGb: Int! timezone: String! currency: String!
    primaryEmail: String gcpProjectId: String gcpDataset: String config: JSON configSource: ConfigSource!
    createdAt: DateTime! createdBy: String updatedAt: DateTime!
    suspendedAt: DateTime suspendedReason: String deletedAt: DateTime version: Int!
    modulesSubscribed: [ModuleName!]! operationsSchema: String financeSchema: String inventorySchema: String
    subscriptions: [ModuleSubscription!]! settings: TenantSettings branding: TenantBranding members(first: Int, after: String, last: Int, before: String): MemberConnection!
    operations(first: Int, after: String): OperationConnection!
    auditLog(first: Int, after: String): AuditLogConnection!
  }
  type ModuleSubscription {
    module: Module! schemaName: String! databaseName: String! isolation: Isolation! status: SubscriptionStatus!
    generation: Int! provisionedAt: DateTime tenant: Tenant!
    history(first: Int, after: String, last: Int, before: String): OperationAttemptConnection!
    createdAt: DateTime! createdBy: String
  }
  type OperationAttemptConnection { edges: [OperationAttemptEdge!]! pageInfo: PageInfo! }
  type OperationAttemptEdge { cursor: String! node: OperationAttempt! }
  type Module implements Node { id: ID! name: ModuleName! isConfigured: Boolean! }
  type SlugSuggestion { slug: String! isAvailable: Boolean! }
  type Gateway { id: ID! lag: Int }
  type ApiKeyConnection { edges: [ApiKeyEdge!]! pageInfo: PageInfo! }
  type ApiKeyEdge { cursor: String! node: ApiKey! }
  type Member implements Node { id: ID! email: String! }
  type MemberConnection { edges: [MemberEdge!]! pageInfo: PageInfo! }
  type MemberEdge { cursor: String! node: Member! }
  interface Node { id: ID! }
  type TenantSettings {
    companyName: String! supportEmail: String supportPhone: String website: String currency: String!
    timezone: String! emailFromName: String emailFromEmail: String
  }
  type TenantBranding {
    presetTheme: String! logoUrl: String primaryColor: String secondaryColor: String accentColor: String
  }
  type Operation {
    id: ID! kind: OperationKind! status: OperationStatus! steps: [OperationStep!]! error: String
    startedAt: DateTime finishedAt: DateTime tenant: Tenant createdAt: DateTime! attempt: Int!
    actor: String! requestId: String cancelRequestedAt: DateTime cancelRequestedBy: String attempts(last: Int! = 20): [OperationAttempt!]!
  }
  type OperationAttempt {
    id: ID! operation: Operation! number: Int! kind: OperationKind! status: OperationStatus! actor: String! requestId: String runs: Int!
    steps: [OperationStep!]! error: String createdAt: DateTime! startedAt: DateTime finishedAt: DateTime
    cancelRequestedAt: DateTime cancelRequestedBy: String
  }
  input OperationFilter {
    status: [OperationStatus!] kind: [OperationKind!] tenant: ID module: ModuleName needsAttention: Boolean since: DateTime
  }
  type OperationConnection { edges: [OperationEdge!]! pageInfo: PageInfo! }
  type OperationEdge { cursor: String! node: Operation! }
  input OperationOrder { field: OperationOrderField! }
  enum OperationOrderField { CREATED_AT }
  enum OperationKind { PROVISION_TENANT }
  enum OperationStepName { CREATE_SCHEMA OTHER }
  enum ErrorCode { TENANT_NOT_FOUND }
  enum AuditEventKind { TENANT_SUSPENDED OTHER }
  type OperationStep { name: OperationStepName! status: OperationStatus! error: String }
  input TenantFilter { status: [TenantStatus!] plan: [Plan!] module: ModuleName text: String }
  input TenantOrder { field: TenantOrderField! }
  enum TenantOrderField { NAME PLAN STATUS }
  type TenantConnection { totalCount: Int! edges: [TenantEdge!]! pageInfo: PageInfo! }
  type TenantEdge { cursor: String! node: Tenant! }
  type AuditLogConnection { edges: [AuditLogEdge!]! pageInfo: PageInfo! }
  type AuditLogEdge { cursor: String! node: AuditLogEntry! }
  type AuditLogEntry { revision: Revision! position: Int! kind: AuditEventKind! kindText: String! requestId: String }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Viewer { actor: String! scopes: [Scope!]! memberships: [Membership!]! may: [String!]! }
  type Membership { tenant: Tenant! role: MemberRole! }
  enum MemberRole { ADMIN MEMBER }
  type ApiKey { id: ID! name: String! scopes: [Scope!]! }

  type Mutation {
    registerTenant(input: RegisterTenantInput!): RegisterTenantPayload
    updateTenant(input: UpdateTenantInput!): UpdateTenantPayload
    suspendTenant(input: SuspendTenantInput!): SuspendTenantPayload
    resumeTenant(input: ResumeTenantInput!): ResumeTenantPayload
    deleteTenant(input: DeleteTenantInput!): DeleteTenantPayload
    restoreTenant(input: RestoreTenantInput!): RestoreTenantPayload
    subscribeTenantToModule(input: SubscribeTenantToModuleInput!): SubscribeTenantToModulePayload
    unsubscribeTenantFromModule(input: UnsubscribeTenantFromModuleInput!): UnsubscribeTenantFromModulePayload
    provisionTenant(input: ProvisionTenantInput!): ProvisionTenantPayload
    markModuleProvisioned(input: MarkModuleProvisionedInput!): MarkModuleProvisionedPayload
    registerModule(input: RegisterModuleInput!): RegisterModulePayload
    updateModule(input: UpdateModuleInput!): UpdateModulePayload
    createApiKey(input: CreateApiKeyInput!): CreateApiKeyPayload
    revokeApiKey(input: RevokeApiKeyInput!): RevokeApiKeyPayload
  }
  input RegisterTenantInput { id: ID name: String! slug: String idempotencyKey: String }
  input UpdateTenantInput { tenantId: ID! name: String expectedVersion: Int idempotencyKey: String }
  input SuspendTenantInput { tenantId: ID! reason: String! expectedVersion: Int idempotencyKey: String }
  input ResumeTenantInput { tenantId: ID! expectedVersion: Int idempotencyKey: String }
  input DeleteTenantInput { tenantId: ID! expectedVersion: Int idempotencyKey: String }
  input RestoreTenantInput { tenantId: ID! expectedVersion: Int idempotencyKey: String }
  input SubscribeTenantToModuleInput {
    tenantId: ID! module: ModuleName! schemaName: String isolation: Isolation provision: Boolean! = true idempotencyKey: String
  }
  input UnsubscribeTenantFromModuleInput {
    tenantId: ID! module: ModuleName! expectedVersion: Int idempotencyKey: String
  }
  input ProvisionTenantInput {
    name: String! slug: String adminEmail: String! modules: [ModuleName!]! idempotencyKey: String
  }
  input MarkModuleProvisionedInput { tenantId: ID! module: ModuleName! idempotencyKey: String }
  input RegisterModuleInput { name: ModuleName! idempotencyKey: String }
  input UpdateModuleInput { name: ModuleName! expectedVersion: Int idempotencyKey: String }
  input CreateApiKeyInput { name: String! scopes: [Scope!]! idempotencyKey: String }
  input RevokeApiKeyInput { id: ID! }
  type RegisterTenantPayload { tenant: Tenant! revision: Revision! }
  type UpdateTenantPayload { tenant: Tenant! revision: Revision! }
  type SuspendTenantPayload { tenant: Tenant! revision: Revision! }
  type ResumeTenantPayload { tenant: Tenant! revision: Revision! }
  type DeleteTenantPayload { tenant: Tenant! revision: Revision! }
  type RestoreTenantPayload { tenant: Tenant! revision: Revision! }
  type SubscribeTenantToModulePayload { subscription: ModuleSubscription! operation: Operation revision: Revision! }
  type UnsubscribeTenantFromModulePayload { subscription: ModuleSubscription! revision: Revision! }
  type ProvisionTenantPayload { tenant: Tenant! operation: Operation revision: Revision! }
  type MarkModuleProvisionedPayload { subscription: ModuleSubscription! revision: Revision! }
  type RegisterModulePayload { module: Module! revision: Revision! }
  type UpdateModulePayload { module: Module! revision: Revision! }
  type CreateApiKeyPayload { apiKey: ApiKey! secret: String }
  type RevokeApiKeyPayload { apiKey: ApiKey! }
`);

/** The elements of a schema as lines such as "Query.tenant(id): ID!", so that two schemas can be compared. */
function linesOf(of: GraphQLSchema): string[] {
  return ownTypes(of).flatMap((type) => {
    if (isScalarType(type)) return [`scalar ${type.name}`];
    if (isUnionType(type)) return type.getTypes().map((member) => `union ${type.name} = ${member.name}`);
    if (isEnumType(type)) return type.getValues().map((value) => `enum ${type.name}.${value.name}`);
    if (isInputObjectType(type))
      return Object.values(type.getFields()).map(
        (field) => `input ${type.name}.${field.name}: ${field.type} = ${String(field.defaultValue)}`,
      );
    return Object.values((type as GraphQLObjectType).getFields()).flatMap((field) => [
      `${type.name}.${field.name}: ${field.type}`,
      ...field.args.map(
        (arg) => `${type.name}.${field.name}(${arg.name}: ${arg.type} = ${String(arg.defaultValue)})`,
      ),
    ]);
  });
}

function ownTypes(of: GraphQLSchema) {
  return Object.values(of.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !(isScalarType(type) && isSpecifiedScalarType(type)),
  );
}

describe('the schema', () => {
  test('contains everything in the contract with its type', () => {
    const served = new Set(linesOf(schema));
    expect(linesOf(contract).filter((line) => !served.has(line))).toEqual([]);
  });

  test('describes every type, field, argument, input field and enum value', () => {
    const bare = ownTypes(schema).flatMap((type) => {
      const parts: { name: string; description?: string | null | undefined }[] = [
        { ...type, name: type.name, description: type.description },
      ];
      if (isEnumType(type))
        for (const value of (type as GraphQLEnumType).getValues())
          parts.push({ name: `${type.name}.${value.name}`, description: value.description });
      if (isInputObjectType(type) || isObjectType(type))
        for (const field of Object.values((type as GraphQLObjectType | GraphQLInputObjectType).getFields())) {
          parts.push({ name: `${type.name}.${field.name}`, description: field.description });
          for (const arg of 'args' in field ? field.args : [])
            parts.push({ name: `${type.name}.${field.name}(${arg.name})`, description: arg.description });
        }
      return parts;
    });
    expect(bare.length).toBeGreaterThan(200);
    expect(bare.filter(({ description }) => !description?.trim()).map(({ name }) => name)).toEqual([]);
  });

  test('names the one input and the payload of every mutation after the mutation', () => {
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    expect(mutations.length).toBeGreaterThan(10);
    for (const { name, args, type } of mutations) {
      const stem = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
      expect(args.map((arg) => `${arg.name}: ${arg.type}`)).toEqual([`input: ${stem}Input!`]);
      expect(String(type)).toBe(`${stem}Payload`);
      expect(linesOf(schema)).toContain(`${stem}Payload.revision: Revision!`);
    }
  });

  test('has an idempotencyKey in the input of every mutation', () => {
    for (const name of Object.keys(schema.getMutationType()?.getFields() ?? {}))
      expect(linesOf(schema)).toContain(
        `input ${name.charAt(0).toUpperCase()}${name.slice(1)}Input.idempotencyKey: String = undefined`,
      );
  });

  test('has ModuleSubscription for a tenant’s module, which is not a root type', () => {
    expect(schema.getType('ModuleSubscription')).toBeDefined();
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    expect(roots.map((type) => type?.name)).not.toContain('ModuleSubscription');
  });

  test('returns a secret only in the result of the mutation that creates it', () => {
    const secrets = linesOf(schema).filter((line) => /^(?!enum ).*(secret|hash|token|password)/i.test(line));
    // All are results or inputs of mutations, none is in a query.
    expect(secrets.toSorted()).toEqual([
      'AuditLogEntry.hash: String!',
      'CreateApiKeyPayload.secret: String',
      'InviteTenantMemberPayload.invitationToken: String',
      'ProvisionTenantPayload.invitationToken: String',
      'RegisterTenantPayload.invitationToken: String',
      'RotateApiKeyPayload.secret: String',
      'input AcceptInvitationInput.token: String! = undefined',
    ]);
  });
});
