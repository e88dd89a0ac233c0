/** Written by `npm run codegen`. */
export const errorTexts: Readonly<Record<string, { meaning: string; action: string }>> = {
  "TENANT_NOT_FOUND": {
    "meaning": "No tenant has this id, slug or external id, or the tenant was purged.",
    "action": "Correct the id, slug or external id."
  },
  "TENANT_SUSPENDED": {
    "meaning": "The tenant, or its subscription to the module, is suspended.",
    "action": "Stop work for the tenant until an operator resumes it with `resumeTenant` or `resumeSubscription`, or the suspension ends by itself."
  },
  "TENANT_DELETED": {
    "meaning": "The tenant is deleted.",
    "action": "Restore it with `restoreTenant` before its purge date, or stop using it."
  },
  "TENANT_NOT_READY": {
    "meaning": "The tenant, or its storage for the module, is not active yet.",
    "action": "Wait for the operation that provisions it and repeat the request, or start it with `provisionTenant`."
  },
  "MODULE_NOT_FOUND": {
    "meaning": "The catalogue has no module of this name.",
    "action": "Correct the name, or add the module with `registerModule`."
  },
  "MODULE_NOT_SUBSCRIBED": {
    "meaning": "The tenant has no active subscription to the module.",
    "action": "Subscribe it with `subscribeTenantToModule`."
  },
  "SCHEMA_MIGRATING": {
    "meaning": "The tenant’s data of the module is being moved, or a rollout is about to bring it to the requested `minMigration`.",
    "action": "Repeat the request after a short time."
  },
  "SCHEMA_BEHIND": {
    "meaning": "The tenant’s data of the module is behind the requested `minMigration`, and no running rollout takes it there.",
    "action": "Start a rollout with `startRollout`, or retry the tenants that failed in the last one."
  },
  "REVISION_NOT_REACHED": {
    "meaning": "The gateway has not reached the requested `minRevision`.",
    "action": "Repeat the request after a short time."
  },
  "REGISTRY_UNAVAILABLE": {
    "meaning": "The registry database cannot answer, or cannot accept the change. The message has the reason.",
    "action": "Repeat the request after a short time; the operator checks the registry database."
  },
  "ROUTE_STALE": {
    "meaning": "The route changed since it was resolved, so the service database refused the transaction.",
    "action": "Resolve the route again and repeat the transaction."
  },
  "TENANT_MISMATCH": {
    "meaning": "The caller is not a member of this tenant, or its token is for another tenant.",
    "action": "Use a token of a member of this tenant."
  },
  "CONFLICT": {
    "meaning": "The request contradicts the current state, such as a name that is taken.",
    "action": "Follow the message, which names the conflict and the way out."
  },
  "VERSION_CONFLICT": {
    "meaning": "The record changed since the caller read it, so `expectedVersion` does not match.",
    "action": "Read the record again and repeat the change with its new version."
  },
  "OPERATION_IN_PROGRESS": {
    "meaning": "Another operation is running on the tenant or its storage.",
    "action": "Wait for the end of that operation and repeat the request."
  },
  "IDEMPOTENCY_KEY_REUSED": {
    "meaning": "The idempotency key was used for another request before.",
    "action": "Use a new key for a new request."
  },
  "NOT_FOUND": {
    "meaning": "No operation, member, API key or rollout has this id, or the tenant has no settings or branding.",
    "action": "Correct the id, or write the settings or branding."
  },
  "VALIDATION_ERROR": {
    "meaning": "Fields of the input are wrong. The error lists each of them.",
    "action": "Correct the listed fields."
  },
  "SECRET_IN_CONFIG": {
    "meaning": "A value of the configuration looks like a secret.",
    "action": "Keep the secret in an environment variable and write a reference to that variable."
  },
  "QUOTA_EXCEEDED": {
    "meaning": "The tenant has reached a limit of its plan, such as `maxUsers`.",
    "action": "Remove something that counts towards the limit, or raise the limit with `updateTenant`."
  },
  "UNAUTHENTICATED": {
    "meaning": "The request has no valid API key or token.",
    "action": "Send a valid key or token in the Authorization header."
  },
  "FORBIDDEN": {
    "meaning": "The API key or token lacks the scope that the request needs.",
    "action": "Use a key with the scope that the message names."
  },
  "RATE_LIMITED": {
    "meaning": "The caller sends too many requests, runs too many queries at a time, or has too many streams open.",
    "action": "Wait for the time that the answer names and repeat the request; close a stream before opening another."
  },
  "DOCUMENT_NOT_REGISTERED": {
    "meaning": "No registered GraphQL document has this id or text, and the caller may send only registered ones (`TRUSTED_DOCUMENTS`).",
    "action": "Register the document with `tenant-registry documents add`, or use a key with the scope `documents:any`."
  },
  "PERSISTED_QUERY_NOT_SUPPORTED": {
    "meaning": "The request has the hash of a GraphQL document (Automatic Persisted Queries) that is not registered, and the gateway stores none.",
    "action": "Send the text of the document; Apollo’s clients do so by themselves."
  },
  "QUERY_TOO_COMPLEX": {
    "meaning": "The GraphQL document, its estimated cost or its answer is larger than the gateway accepts.",
    "action": "Follow the message: split the request, or ask for smaller pages and fewer nested lists."
  }
};

export const scopeByAction = {
  "readRegistry": "registry:read",
  "readTenant": "registry:read",
  "readAuditLog": "audit:read",
  "readSchema": "schema:read",
  "registerTenant": "registry:write",
  "updateTenant": "registry:write",
  "suspendTenant": "registry:write",
  "resumeTenant": "registry:write",
  "deleteTenant": "registry:write",
  "restoreTenant": "registry:write",
  "purgeTenant": "registry:write",
  "addTenantExternalId": "registry:write",
  "removeTenantExternalId": "registry:write",
  "updateTenantConfig": "registry:write",
  "updateTenantSettings": "registry:write",
  "updateTenantBranding": "registry:write",
  "inviteTenantMember": "registry:write",
  "updateTenantMember": "registry:write",
  "removeTenantMember": "registry:write",
  "revokeInvitation": "registry:write",
  "acceptInvitation": "registry:write",
  "registerModule": "registry:write",
  "updateModule": "registry:write",
  "updatePlanLimits": "registry:write",
  "retireModule": "registry:write",
  "removeModule": "registry:write",
  "subscribeTenantToModule": "registry:write",
  "unsubscribeTenantFromModule": "registry:write",
  "suspendSubscription": "registry:write",
  "resumeSubscription": "registry:write",
  "provisionModule": "provision",
  "provisionTenant": "provision",
  "markModuleProvisioned": "provision",
  "retryOperation": "provision",
  "cancelOperation": "provision",
  "adoptStorage": "provision",
  "startRollout": "provision",
  "pauseRollout": "provision",
  "resumeRollout": "provision",
  "retryRollout": "provision",
  "skipTenantInRollout": "provision",
  "cancelRollout": "provision",
  "repairDrift": "provision",
  "recordUsage": "usage:record",
  "checkQuota": "usage:record",
  "createApiKey": "keys:manage",
  "listApiKeys": "keys:manage",
  "rotateApiKey": "keys:manage",
  "revokeApiKey": "keys:manage"
} as const;

export const allScopes = ["resolve:<module>","resolve:*","registry:read","registry:write","provision","audit:read","keys:manage","schema:read","documents:any","usage:record"] as const;

/** How long before the expiry of a key it counts as one that expires soon, in days. */
export const keyWarningDays = 14;
