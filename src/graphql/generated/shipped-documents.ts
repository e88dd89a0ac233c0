/** Documents of the client package and the admin page, which count as registered. Written by `npm run codegen`. */
export const shippedDocuments: readonly string[] = [
  `subscription FollowRoutes($since: Revision) {
  routesChanged(since: $since) { type revision tenantId tenantSlug externalIds module }
}`,
  `
  query ResolveMany($keys: [TenantSchemaKey!]!, $minRevision: Revision, $withConfig: Boolean!) {
    tenantSchemas(keys: $keys, minRevision: $minRevision) {
      ... on TenantSchema { ...Route config @include(if: $withConfig) isConfigFile @include(if: $withConfig) }
      ... on TenantSchemaRefusal { code message asOf }
    }
  }
  fragment Route on TenantSchema {
    tenantId tenantSlug externalId module schemaName searchPath databaseName isolation generation migrationVersion revision
  }
`,
  `
  query ResolveStrongly($id: ID!, $module: ModuleName!, $minMigration: String) {
    tenantSchema(id: $id, module: $module, consistency: STRONG, minMigration: $minMigration) {
      tenantId tenantSlug externalId module schemaName searchPath databaseName isolation generation migrationVersion revision
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
  `query About($registry: Boolean!) {
  viewer {
    actor
    scopes
    expiresAt
  }
  gateways @include(if: $registry) {
    stalenessMs
    isReporting
  }
  modules @include(if: $registry) {
    name
    isolation
    databaseRef
    databaseName
    migrationsFolder
    latestMigration
    isConfigured
  }
  planLimits @include(if: $registry) {
    plan
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
  }
}`,
  `query NewestChange {
  auditLog(first: 1) {
    edges {
      node {
        revision
      }
    }
  }
}`,
  `subscription RoutesChanged {
  routesChanged {
    type
    revision
  }
}`,
  `query AuditHead {
  auditLog(first: 1) {
    edges {
      node {
        revision
        position
        hash
        changedAt
      }
    }
  }
}`,
  `query AuditModules {
  modules {
    name
  }
}`,
  `query Audit($tenantId: ID, $filter: AuditLogFilter, $first: Int, $after: String, $last: Int, $before: String) {
  auditLog(
    tenantId: $tenantId
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        revision
        position
        kind
        kindText
        tenantId
        tenantSlug
        module
        entityId
        actor
        requestId
        before
        after
        changedAt
        hash
      }
    }
  }
}`,
  `mutation RepairDrift($input: RepairDriftInput!) {
  repairDrift(input: $input) {
    finding {
      id
      status
    }
    revision
  }
}`,
  `query Drift($first: Int, $after: String, $last: Int, $before: String, $filter: DriftFilter) {
  drift(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        code
        severity
        status
        tenantId
        tenantSlug
        module
        databaseName
        schemaName
        objectKind
        objectName
        expected
        found
        problem
        remedy
        firstSeenAt
        lastSeenAt
        resolvedAt
        resolvedBy
      }
    }
  }
  operations(first: 50, filter: {needsAttention: true}) {
    edges {
      node {
        id
        kind
        error
        createdAt
        tenant {
          name
        }
      }
    }
  }
}`,
  `query Explain($id: ID!, $module: ModuleName!, $minMigration: String) {
  explainResolution(id: $id, module: $module, minMigration: $minMigration) {
    code
    gate
    message
    tier
    ageMs
    revision
    headRevision
    leaseRemainingMs
    route {
      tenantId
      tenantSlug
      externalId
      module
      databaseName
      schemaName
      searchPath
      isolation
      generation
      migrationVersion
      revision
    }
  }
}`,
  `query ExplainModules {
  modules {
    name
  }
}`,
  `query Gateways {
  gateways {
    id
    hostname
    version
    revision
    lag
    stalenessMs
    isReporting
    startedAt
    reportedAt
  }
}`,
  `mutation CreateApiKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey {
      id
      name
      scopes
      expiresAt
    }
    secret
    revision
  }
}`,
  `mutation RotateApiKey($input: RotateApiKeyInput!) {
  rotateApiKey(input: $input) {
    apiKey {
      id
      name
      scopes
      expiresAt
    }
    previous {
      id
      expiresAt
    }
    secret
    revision
  }
}`,
  `mutation RevokeApiKey($input: RevokeApiKeyInput!) {
  revokeApiKey(input: $input) {
    apiKey {
      id
      name
      revokedAt
    }
    revision
  }
}`,
  `query Keys($first: Int, $after: String, $last: Int, $before: String, $filter: ApiKeyFilter) {
  apiKeys(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    totalCount
    edges {
      node {
        id
        name
        scopes
        createdAt
        createdBy
        expiresAt
        revokedAt
        lastUsedAt
      }
    }
  }
}`,
  `mutation RegisterModule($input: RegisterModuleInput!) {
  registerModule(input: $input) {
    module {
      name
    }
    revision
  }
}`,
  `mutation UpdateModule($input: UpdateModuleInput!) {
  updateModule(input: $input) {
    module {
      name
      version
    }
    revision
  }
}`,
  `mutation RetireModule($input: RetireModuleInput!) {
  retireModule(input: $input) {
    module {
      name
      version
    }
    revision
  }
}`,
  `mutation RemoveModule($input: RemoveModuleInput!) {
  removeModule(input: $input) {
    name
    revision
  }
}`,
  `query ModuleDetail($name: ModuleName!) {
  module(name: $name) {
    id
    name
    description
    databaseRef
    databaseName
    schemaPrefix
    isolation
    migrationsFolder
    isConfigured
    pools {
      role
      busy
      idle
      waiting
    }
    latestMigration
    isRetired
    retiredAt
    version
    subscriptionCounts {
      status
      count
    }
  }
  modules {
    name
    databaseRef
    databaseName
  }
  rollouts(first: 5, module: $name) {
    edges {
      node {
        id
        status
        targetVersion
        createdAt
        progress {
          tenants {
            total
            succeeded
          }
        }
      }
    }
  }
}`,
  `query Modules {
  modules {
    id
    name
    description
    databaseRef
    databaseName
    schemaPrefix
    isolation
    migrationsFolder
    isConfigured
    latestMigration
    isRetired
    retiredAt
    version
    subscriptionCounts {
      status
      count
    }
  }
  registryStats {
    modules {
      module
      tenants
    }
  }
}`,
  `query SlugForName($name: String!) {
  slugSuggestion(name: $name) {
    slug
  }
}`,
  `query SlugCheck($slug: ID!, $name: String!) {
  tenant(id: $slug) {
    id
    slug
    name
    status
  }
  slugSuggestion(name: $name) {
    slug
    isAvailable
  }
}`,
  `query OnboardingOperation($slug: ID!) {
  tenant(id: $slug) {
    operations(first: 1) {
      edges {
        node {
          id
          status
        }
      }
    }
  }
}`,
  `query OnboardingChoices {
  modules {
    name
    description
    isolation
    isConfigured
    isRetired
  }
  planLimits {
    plan
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
  }
}`,
  `mutation RegisterTenant($input: RegisterTenantInput!) {
  registerTenant(input: $input) {
    tenant {
      id
      slug
      name
    }
    invitation {
      expiresAt
    }
    invitationToken
    revision
  }
}`,
  `mutation ProvisionTenant($input: ProvisionTenantInput!) {
  provisionTenant(input: $input) {
    tenant {
      id
      slug
      name
    }
    operation {
      id
      status
    }
    invitation {
      expiresAt
    }
    invitationToken
    revision
  }
}`,
  `subscription OperationProgress($id: ID!) {
  operationProgress(id: $id) {
    isEnd
    operation {
      id
      kind
      status
      error
      cancelRequestedAt
      progress {
        total
        succeeded
        failed
        cancelled
      }
      steps {
        name
        module
        status
        error
      }
    }
  }
}`,
  `mutation RetryOperation($input: RetryOperationInput!) {
  retryOperation(input: $input) {
    operation {
      id
      status
    }
    revision
  }
}`,
  `mutation CancelOperation($input: CancelOperationInput!) {
  cancelOperation(input: $input) {
    operation {
      id
      status
    }
    revision
  }
}`,
  `query Operation($id: ID!, $first: Int, $after: String, $results: OperationTenantResultFilter) {
  operation(id: $id) {
    id
    kind
    status
    actor
    attempt
    requestId
    input
    createdAt
    runAfter
    startedAt
    finishedAt
    cancelRequestedAt
    cancelRequestedBy
    tenant {
      slug
      name
    }
    progress {
      total
    }
    attempts {
      id
      number
      status
      actor
      requestId
      runs
      error
      createdAt
      cancelRequestedAt
      cancelRequestedBy
      steps {
        name
        module
        status
        error
      }
    }
    tenantResults(first: $first, after: $after, filter: $results) {
      edges {
        node {
          reference
          status
          code
          message
          tenant {
            slug
            name
          }
          operation {
            id
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
}`,
  `query Operations($first: Int, $after: String, $last: Int, $before: String, $filter: OperationFilter, $orderBy: OperationOrder) {
  operations(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
    orderBy: $orderBy
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        kind
        status
        error
        actor
        attempt
        createdAt
        tenant {
          slug
          name
        }
        progress {
          total
        }
        steps {
          module
        }
      }
    }
  }
  registryStats {
    operations {
      queued
      running
      failed
      needsAttention
      medianMs
      p95Ms
    }
    modules {
      module
    }
  }
}`,
  `query OverviewDrift {
  drift(first: 1, filter: {status: [OPEN]}) {
    totalCount
  }
}`,
  `query Overview($apiKeys: Boolean! = true, $expiringKeys: ApiKeyFilter) {
  registryStats {
    tenants {
      total
      byStatus {
        status
        count
      }
      byPlan {
        plan
        count
      }
    }
    modules {
      module
      tenants
    }
    growth(by: DAY, timezone: "UTC") {
      start
      registered
      deleted
    }
    quotas {
      metric
      tenantsAbove80Percent
      tenantsAtLimit
    }
    operations {
      queued
      running
      failed
      needsAttention
      medianMs
      p95Ms
      sampled
    }
  }
  gateways {
    id
    hostname
    version
    lag
    isReporting
  }
  operations(
    first: 20
    filter: {status: [RUNNING, COMPENSATING, FAILED, NEEDS_ATTENTION]}
  ) {
    edges {
      node {
        id
        kind
        status
        createdAt
        tenant {
          name
        }
      }
    }
  }
  rollouts(first: 5) {
    edges {
      node {
        id
        moduleName
        status
        progress {
          tenants {
            total
            succeeded
          }
        }
      }
    }
  }
  apiKeys(filter: $expiringKeys) @include(if: $apiKeys) {
    totalCount
  }
}`,
  `query RolloutPlan($module: ModuleName!) {
  rolloutPlan(module: $module) {
    module
    targetVersion
    tenantCount
    behindCount
    pending {
      name
      isTransactional
      statements {
        line
        text
        kind
        lock
        warnings {
          code
          message
          remedy
        }
      }
    }
    problems {
      file
      line
      code
      problem
      remedy
    }
    versions {
      version
      tenantCount
      pending
    }
    excluded {
      status
      reason
      tenantCount
      examples
    }
  }
}`,
  `subscription WatchRollout($id: ID!) {
  rolloutProgress(id: $id) {
    isEnd
    rollout {
      id
      status
      pauseReason
      currentWave
      version
      finishedAt
      progress {
        tenants {
          total
          queued
          running
          succeeded
          failed
          blocked
          skipped
        }
        waves {
          wave
          tenants {
            total
            queued
            running
            succeeded
            failed
            blocked
            skipped
          }
        }
      }
      tenants(first: 16, filter: {status: [RUNNING]}) {
        edges {
          node {
            tenantId
            tenantSlug
            wave
            file
            attempts
            startedAt
          }
        }
      }
    }
  }
}`,
  `mutation StartRollout($input: StartRolloutInput!) {
  startRollout(input: $input) {
    rollout {
      id
    }
    revision
  }
}`,
  `mutation PauseRollout($input: PauseRolloutInput!) {
  pauseRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}`,
  `mutation ResumeRollout($input: ResumeRolloutInput!) {
  resumeRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}`,
  `mutation RetryRollout($input: RetryRolloutInput!) {
  retryRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}`,
  `mutation SkipTenantInRollout($input: SkipTenantInRolloutInput!) {
  skipTenantInRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}`,
  `mutation CancelRollout($input: CancelRolloutInput!) {
  cancelRollout(input: $input) {
    rollout {
      id
      status
      version
    }
    revision
  }
}`,
  `query Rollout($id: ID!, $first: Int, $after: String, $filter: RolloutTenantFilter) {
  rollout(id: $id) {
    id
    moduleName
    status
    pauseReason
    targetVersion
    files
    currentWave
    createdAt
    createdBy
    finishedAt
    version
    strategy {
      canaryTenants
      canaryPercent
      pauseAfterCanary
      waves
      parallelism
      errorBudgetCount
      errorBudgetPercent
      lockTimeoutMs
      statementTimeoutMs
    }
    progress {
      tenants {
        total
        queued
        running
        succeeded
        failed
        blocked
        skipped
      }
      waves {
        wave
        tenants {
          total
          queued
          running
          succeeded
          failed
          blocked
          skipped
        }
      }
    }
    tenants(first: $first, after: $after, filter: $filter) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          tenantId
          tenantSlug
          wave
          status
          fromVersion
          toVersion
          file
          attempts
          error
          errorCode
          violations
          finishedAt
          durationMs
        }
      }
    }
  }
}`,
  `query Rollouts($module: ModuleName, $first: Int, $after: String, $last: Int, $before: String) {
  modules {
    name
  }
  rollouts(
    first: $first
    after: $after
    last: $last
    before: $before
    module: $module
  ) {
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        moduleName
        status
        pauseReason
        targetVersion
        currentWave
        createdAt
        createdBy
        finishedAt
        version
        progress {
          tenants {
            total
            queued
            running
            succeeded
            failed
            blocked
            skipped
          }
        }
      }
    }
  }
}`,
  `query RolloutTenants($id: ID!, $first: Int!, $after: String, $filter: RolloutTenantFilter) {
  rollout(id: $id) {
    tenants(first: $first, after: $after, filter: $filter) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          tenantId
          tenantSlug
          wave
          status
          fromVersion
          toVersion
          file
          attempts
          errorCode
          startedAt
          durationMs
        }
      }
    }
  }
}`,
  `query Viewer {
  viewer {
    actor
    scopes
    may
    expiresAt
    memberships(first: 50) {
      role
      may
      tenant {
        id
        slug
        name
      }
    }
  }
}`,
  `query FindTenants($text: String!) {
  tenants(first: 8, filter: {text: $text}) {
    edges {
      node {
        id
        slug
        name
        status
      }
    }
  }
}`,
  `query BulkPreview($change: BulkChange!, $filter: TenantFilter, $tenantIds: [ID!], $module: ModuleName, $isolation: Isolation, $plan: Plan) {
  bulkPreview(
    change: $change
    filter: $filter
    tenantIds: $tenantIds
    module: $module
    isolation: $isolation
    plan: $plan
  ) {
    selected
    selectedIsCapped
    evaluated
    changed
    unchanged
    refused {
      code
      count
    }
  }
}`,
  `mutation SuspendTenants($input: SuspendTenantsInput!) {
  suspendTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}`,
  `mutation ResumeTenants($input: ResumeTenantsInput!) {
  resumeTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}`,
  `mutation SubscribeTenants($input: SubscribeTenantsInput!) {
  subscribeTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}`,
  `mutation UpdateTenants($input: UpdateTenantsInput!) {
  updateTenants(input: $input) {
    operation {
      id
    }
    revision
  }
}`,
  `query BulkFailures($id: ID!, $first: Int, $after: String) {
  operation(id: $id) {
    id
    status
    tenantResults(
      first: $first
      after: $after
      filter: {statuses: [FAILED, CANCELLED, COMPENSATED, NEEDS_ATTENTION]}
    ) {
      edges {
        node {
          reference
          status
          code
          message
          tenant {
            id
            slug
            name
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}`,
  `query Tenant($id: ID!, $registry: Boolean! = true) {
  tenant(id: $id) {
    id
    slug
    name
    shortName
    status
    plan
    timezone
    currency
    primaryEmail
    gcpProjectId
    gcpDataset
    version
    isProtected
    internalNote @include(if: $registry)
    createdAt
    createdBy
    updatedAt
    suspendedAt
    suspendedReason
    suspendUntil
    deletedAt
    restorableUntil
    subscriptions {
      id
      module {
        name
        latestMigration
      }
      status
      isolation
      schemaName
      databaseName
      generation
      migrationVersion
      version
      provisionedAt
      suspendedAt
      suspendedReason
      purgeAfter
      storageRemovedAt
      history(first: 10) {
        edges {
          node {
            id
            number
            kind
            status
            actor
            error
            createdAt
            steps {
              name
              module
              status
              error
            }
          }
        }
      }
    }
    configSource
    config
    settings {
      companyName
      supportEmail
      supportPhone
      website
      currency
      timezone
      emailFromName
      emailFromEmail
      version
    }
    branding {
      presetTheme
      logoUrl
      primaryColor
      secondaryColor
      accentColor
      version
    }
    operations(first: 20) {
      edges {
        node {
          id
          kind
          status
          actor
          createdAt
        }
      }
    }
  }
}`,
  `mutation UpdateTenant($input: UpdateTenantInput!) {
  updateTenant(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}`,
  `mutation UpdateTenantSettings($input: UpdateTenantSettingsInput!) {
  updateTenantSettings(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}`,
  `mutation UpdateTenantBranding($input: UpdateTenantBrandingInput!) {
  updateTenantBranding(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}`,
  `mutation UpdateTenantConfig($input: UpdateTenantConfigInput!) {
  updateTenantConfig(input: $input) {
    tenant {
      id
      version
    }
    revision
  }
}`,
  `mutation AddTenantExternalId($input: AddTenantExternalIdInput!) {
  addTenantExternalId(input: $input) {
    tenant {
      id
      externalIds
    }
    revision
  }
}`,
  `mutation RemoveTenantExternalId($input: RemoveTenantExternalIdInput!) {
  removeTenantExternalId(input: $input) {
    tenant {
      id
      externalIds
    }
    revision
  }
}`,
  `mutation PurgeTenant($input: PurgeTenantInput!) {
  purgeTenant(input: $input) {
    tenant {
      id
    }
    operation {
      id
    }
    revision
  }
}`,
  `query TenantLimits($id: ID!) {
  tenant(id: $id) {
    id
    version
    externalIds
    maxUsers
    maxMonthlyQuotes
    maxStorageGb
    ownLimits
    usage {
      metric
      used
      limit
      periodEnd
    }
  }
}`,
  `query TenantRoute($id: ID!, $module: ModuleName!) {
  explainResolution(id: $id, module: $module) {
    code
    route {
      schemaName
      databaseName
    }
  }
}`,
  `mutation SuspendTenant($input: SuspendTenantInput!) {
  suspendTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    revision
  }
}`,
  `mutation ResumeTenant($input: ResumeTenantInput!) {
  resumeTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    revision
  }
}`,
  `mutation DeleteTenant($input: DeleteTenantInput!) {
  deleteTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    operation {
      id
    }
    revision
  }
}`,
  `mutation RestoreTenant($input: RestoreTenantInput!) {
  restoreTenant(input: $input) {
    tenant {
      id
      slug
      name
      version
    }
    operation {
      id
    }
    revision
  }
}`,
  `query ExportTenants($first: Int, $after: String, $filter: TenantFilter, $orderBy: TenantOrder) {
  tenants(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        slug
        name
        shortName
        status
        plan
        primaryEmail
        timezone
        currency
        createdAt
        updatedAt
        suspendedAt
        suspendedReason
        modulesSubscribed
      }
    }
  }
}`,
  `query Tenants($first: Int, $after: String, $last: Int, $before: String, $filter: TenantFilter, $orderBy: TenantOrder) {
  tenants(
    first: $first
    after: $after
    last: $last
    before: $before
    filter: $filter
    orderBy: $orderBy
  ) {
    totalCount
    totalCountIsCapped
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        id
        slug
        name
        status
        plan
        primaryEmail
        createdAt
        updatedAt
        suspendedAt
        suspendedReason
        modulesSubscribed
        usage {
          metric
          used
          limit
        }
      }
    }
  }
  registryStats {
    modules {
      module
    }
  }
}`,
  `mutation InviteTenantMember($input: InviteTenantMemberInput!) {
  inviteTenantMember(input: $input) {
    member {
      id
      email
      status
    }
    invitation {
      id
      expiresAt
    }
    invitationToken
    revision
  }
}`,
  `mutation UpdateTenantMember($input: UpdateTenantMemberInput!) {
  updateTenantMember(input: $input) {
    member {
      id
      role
    }
    revision
  }
}`,
  `mutation RemoveTenantMember($input: RemoveTenantMemberInput!) {
  removeTenantMember(input: $input) {
    member {
      id
      status
    }
    revision
  }
}`,
  `mutation RevokeInvitation($input: RevokeInvitationInput!) {
  revokeInvitation(input: $input) {
    member {
      id
    }
    revision
  }
}`,
  `query Members($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  tenant(id: $id) {
    id
    members(first: $first, after: $after, last: $last, before: $before) {
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        node {
          id
          email
          fullName
          role
          status
          version
          invitation {
            id
            expiresAt
            isExpired
          }
        }
      }
    }
  }
}`,
  `query ModuleNames {
  modules {
    name
    description
    isRetired
    isConfigured
    isolation
  }
}`,
  `mutation SubscribeTenantToModule($input: SubscribeTenantToModuleInput!) {
  subscribeTenantToModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}`,
  `mutation UnsubscribeTenantFromModule($input: UnsubscribeTenantFromModuleInput!) {
  unsubscribeTenantFromModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}`,
  `mutation SuspendSubscription($input: SuspendSubscriptionInput!) {
  suspendSubscription(input: $input) {
    subscription {
      id
      status
    }
    revision
  }
}`,
  `mutation ResumeSubscription($input: ResumeSubscriptionInput!) {
  resumeSubscription(input: $input) {
    subscription {
      id
      status
    }
    revision
  }
}`,
  `mutation ProvisionModule($input: ProvisionModuleInput!) {
  provisionModule(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}`,
  `mutation MarkModuleProvisioned($input: MarkModuleProvisionedInput!) {
  markModuleProvisioned(input: $input) {
    subscription {
      id
      status
    }
    operation {
      id
    }
    revision
  }
}`,
];
