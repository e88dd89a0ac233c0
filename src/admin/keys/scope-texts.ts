import type { allScopes } from '../generated/registry-facts.js';

/** What a scope allows, for people who choose it. */
const texts: Record<Exclude<(typeof allScopes)[number], 'resolve:<module>'>, string> = {
  'resolve:*': 'Routes of all modules: which schema or database has a tenant’s data.',
  'registry:read': 'Read tenants, modules, operations, rollouts, findings and gateways.',
  'registry:write': 'Change tenants, members, modules, subscriptions and plans.',
  provision: 'Create and drop storage, run rollouts, repair drift, retry and cancel operations.',
  'audit:read': 'Read the audit log.',
  'keys:manage': 'Create, rotate and revoke keys with its own scopes.',
  'schema:read': 'Read the GraphQL schema by introspection.',
  'documents:any': 'Send documents that are not registered, where only registered ones are allowed.',
  'usage:record': 'Count what tenants use, and ask whether a quota has room.',
};

export function scopeText(scope: string): string {
  const module = /^resolve:([a-z][a-z0-9_]*)$/.exec(scope)?.[1];
  if (module) return `Routes of module ${module}: which schema or database has a tenant’s data.`;
  return (texts as Record<string, string>)[scope] ?? 'This page does not know the scope.';
}
