/** Documents of the client package, which count as registered. Written by `npm run codegen`. */
export const shippedDocuments: readonly string[] = [
  `subscription FollowRoutes($since: Revision) {
  routesChanged(since: $since) { type revision tenantId tenantSlug module }
}`,
  `
  query ResolveMany($keys: [TenantSchemaKey!]!, $minRevision: Revision, $withConfig: Boolean!) {
    tenantSchemas(keys: $keys, minRevision: $minRevision) {
      ... on TenantSchema { ...Route config @include(if: $withConfig) isConfigFile @include(if: $withConfig) }
      ... on TenantSchemaRefusal { code message asOf }
    }
  }
  fragment Route on TenantSchema {
    tenantId tenantSlug module schemaName searchPath databaseName isolation generation revision
  }
`,
  `
  query ResolveStrongly($id: ID!, $module: ModuleName!) {
    tenantSchema(id: $id, module: $module, consistency: STRONG) {
      tenantId tenantSlug module schemaName searchPath databaseName isolation generation revision
    }
  }
`,
  `
  mutation RecordUsages($records: [UsageRecordInput!]!) {
    recordUsages(input: { records: $records }) {
      results {
        ... on UsageRecorded { isRepeated usage { metric used limit remaining periodStart periodEnd } }
        ... on UsageRefused { code message }
      }
    }
  }
`,
];
