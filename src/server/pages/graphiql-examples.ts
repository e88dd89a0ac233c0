/** Headers of a tab where the gateway requires an API key. */
export const keyHeaders = '{ "Authorization": "Bearer <API key>" }';

const keyNote = `# This gateway requires an API key: write yours
# in the place of <API key> below, under Headers.
# "tenant-registry keys create --help" tells how to
# create one; scope schema:read shows the schema here.

`;

/** The tab with a place for the key, and a note that says so. */
export function withKeyNote({ query }: { query: string }): { query: string; headers: string } {
  return { query: keyNote + query, headers: keyHeaders };
}

/** Initial tabs of GraphiQL. A test runs each of them against the demo tenants. */
export const exampleTabs = [
  {
    query: `# The schema of a tenant's finance data. Services send this query for each request of their own.
query Resolve {
  tenantSchema(id: "demo-harbour", module: "finance") {
    schemaName
    searchPath
    databaseName
    revision
  }
}
`,
  },
  {
    query: `# Several tenants and modules at once; each result is a route or a refusal.
query ResolveMany {
  tenantSchemas(
    keys: [
      { id: "demo-harbour", module: "finance" }
      { id: "demo-savanna", module: "operations" }
      { id: "nobody", module: "finance" }
    ]
  ) {
    __typename
    ... on TenantSchema {
      tenantSlug
      searchPath
    }
    ... on TenantSchemaRefusal {
      code
      message
    }
  }
}
`,
  },
  {
    query: `# Registers a tenant, subscribes it to modules, creates their storage and makes the routes visible.
mutation Provision {
  provisionTenant(
    input: { name: "Lagoon Hotels", adminEmail: "admin@lagoon.example", modules: ["operations", "finance"] }
  ) {
    tenant {
      id
      slug
      status
      modulesSubscribed
    }
    operation {
      status
      error
      steps {
        name
        module
        status
        error
      }
    }
    revision
  }
}
`,
  },
  {
    query: `# Tenants with their modules.
query Tenants {
  tenants(first: 20, filter: { status: [ACTIVE, SUSPENDED] }, orderBy: { field: NAME }) {
    totalCount
    edges {
      node {
        id
        slug
        name
        status
        plan
        subscriptions {
          module {
            name
          }
          schemaName
          status
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  },
  {
    query: `# The latest changes and their authors.
query AuditLog {
  auditLog(first: 20) {
    edges {
      node {
        revision
        kind
        kindText
        tenantSlug
        module
        actor
        changedAt
        before
        after
      }
    }
  }
}
`,
  },
];
