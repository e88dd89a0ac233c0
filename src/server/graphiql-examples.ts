/** Tabs that GraphiQL opens with; a test runs each of them against the demo. */
export const exampleTabs = [
  {
    query: `# Where does a tenant keep its finance data? This is what a service asks on every request.
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
    query: `# Many at once, each with its own answer or its own refusal.
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
    query: `# A tenant with everything it needs: registered, subscribed, storage made, route visible.
mutation Provision {
  provisionTenant(
    input: { name: "Acme Corp", adminEmail: "admin@acme.com", modules: ["operations", "finance"] }
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
    query: `# Who is there?
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
    query: `# What happened lately, and who did it?
query AuditLog {
  auditLog(first: 20) {
    edges {
      node {
        revision
        kind
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
