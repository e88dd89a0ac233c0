import { RegistryError } from '../errors.js';
import type { Caller, MemberRole } from './caller.js';

/** Scopes a key can hold, besides `resolve:<module>`. */
const plainScopes = [
  'resolve:*',
  'registry:read',
  'registry:write',
  'provision',
  'audit:read',
  'keys:manage',
  'schema:read',
  'documents:any',
  'usage:record',
] as const;

type PlainScope = (typeof plainScopes)[number];

/** The scope that each action needs. Resolution has a scope per module and is checked by `mayResolve`. */
const scopeByAction = {
  readRegistry: 'registry:read',
  readTenant: 'registry:read',
  readAuditLog: 'audit:read',
  readSchema: 'schema:read',
  registerTenant: 'registry:write',
  updateTenant: 'registry:write',
  suspendTenant: 'registry:write',
  resumeTenant: 'registry:write',
  deleteTenant: 'registry:write',
  restoreTenant: 'registry:write',
  purgeTenant: 'registry:write',
  addTenantExternalId: 'registry:write',
  removeTenantExternalId: 'registry:write',
  updateTenantConfig: 'registry:write',
  updateTenantSettings: 'registry:write',
  updateTenantBranding: 'registry:write',
  inviteTenantMember: 'registry:write',
  updateTenantMember: 'registry:write',
  removeTenantMember: 'registry:write',
  revokeInvitation: 'registry:write',
  acceptInvitation: 'registry:write',
  registerModule: 'registry:write',
  updateModule: 'registry:write',
  updatePlanLimits: 'registry:write',
  retireModule: 'registry:write',
  removeModule: 'registry:write',
  subscribeTenantToModule: 'registry:write',
  unsubscribeTenantFromModule: 'registry:write',
  suspendSubscription: 'registry:write',
  resumeSubscription: 'registry:write',
  provisionModule: 'provision',
  provisionTenant: 'provision',
  markModuleProvisioned: 'provision',
  retryOperation: 'provision',
  cancelOperation: 'provision',
  adoptStorage: 'provision',
  startRollout: 'provision',
  pauseRollout: 'provision',
  resumeRollout: 'provision',
  retryRollout: 'provision',
  skipTenantInRollout: 'provision',
  cancelRollout: 'provision',
  repairDrift: 'provision',
  recordUsage: 'usage:record',
  checkQuota: 'usage:record',
  createApiKey: 'keys:manage',
  listApiKeys: 'keys:manage',
  rotateApiKey: 'keys:manage',
  revokeApiKey: 'keys:manage',
} as const satisfies Record<string, PlainScope>;

export type Action = keyof typeof scopeByAction;

/** The actions that members may do in their own tenants without any scope, and the role that each needs. */
const roleByAction: Partial<Record<Action, MemberRole>> = {
  readTenant: 'MEMBER',
  updateTenantSettings: 'ADMIN',
  updateTenantBranding: 'ADMIN',
  inviteTenantMember: 'ADMIN',
  updateTenantMember: 'ADMIN',
  removeTenantMember: 'ADMIN',
  revokeInvitation: 'ADMIN',
};

export function isScope(text: string): boolean {
  return (plainScopes as readonly string[]).includes(text) || /^resolve:[a-z][a-z0-9_]{0,30}$/.test(text);
}

export const scopeList = `resolve:<module>, ${plainScopes.join(', ')}`;

export function may(caller: Caller, action: Action): boolean {
  return holds(caller, scopeByAction[action]);
}

/** Throws FORBIDDEN, naming the scope that is missing. */
export function authorize(caller: Caller, action: Action): void {
  if (!may(caller, action)) throw missingScope(scopeByAction[action]);
}

/** Whether it depends on the tenant what the caller may do. */
function mayInSome(caller: Caller, action: Action): boolean {
  return roleByAction[action] !== undefined && (caller.identity?.roles.size ?? 0) > 0;
}

/** Before anything is read: throws FORBIDDEN to callers whom no tenant would change anything for. */
export function authorizeInSome(caller: Caller, action: Action): void {
  if (!mayInSome(caller, action)) authorize(caller, action);
}

/** By scope, or as a member of this tenant. Throws FORBIDDEN, and TENANT_MISMATCH to a member of others. */
export function authorizeInTenant(caller: Caller, action: Action, tenantId: string | undefined): void {
  if (mayInTenant(caller, action, tenantId)) return;
  authorizeInSome(caller, action);
  // Also for a tenant that is not there: members of others do not learn which there are.
  if (!roleIn(caller, tenantId))
    throw new RegistryError('TENANT_MISMATCH', 'The token’s subject is no member of this tenant');
  throw new RegistryError('FORBIDDEN', 'This needs an admin of the tenant');
}

/** Whether authorizeInTenant lets the caller pass. */
export function mayInTenant(caller: Caller, action: Action, tenantId: string | undefined): boolean {
  return may(caller, action) || isEnough(roleIn(caller, tenantId), action);
}

function isEnough(role: MemberRole | undefined, action: Action): boolean {
  const needed = roleByAction[action];
  return needed !== undefined && role !== undefined && (role === 'ADMIN' || role === needed);
}

function roleIn({ identity }: Caller, tenantId: string | undefined): MemberRole | undefined {
  return tenantId === undefined ? undefined : identity?.roles.get(tenantId);
}

/** The scopes of the caller by name; a caller inside the product has all of them. */
export function listScopes({ scopes }: Caller): string[] {
  return scopes.has('*') ? [...plainScopes] : [...scopes].sort();
}

export const allActions = Object.keys(scopeByAction) as Action[];

export function scopeOf(action: Action): string {
  return scopeByAction[action];
}

/** The actions that the caller's scopes allow for every tenant. */
export function listActions(caller: Caller): Action[] {
  return allActions.filter((action) => may(caller, action));
}

/** The actions that a member may do in its tenant without any scope. */
export function listActionsInTenant(role: MemberRole): Action[] {
  return allActions.filter((action) => isEnough(role, action));
}

export function mayResolve(caller: Caller, module: string): boolean {
  return holds(caller, 'resolve:*') || caller.scopes.has(`resolve:${module}`);
}

/** Whether any module's routes are open to the caller, and with them the news that something changed. */
export function mayResolveAny(caller: Caller): boolean {
  return [...caller.scopes].some((scope) => scope === '*' || scope.startsWith('resolve:'));
}

export function missingScope(scope: string): RegistryError {
  return new RegistryError('FORBIDDEN', `This needs a key with scope ${scope}`);
}

/** Throws FORBIDDEN when the caller lacks one of these scopes: a caller manages only keys that it could create. */
export function requireScopes(caller: Caller, scopes: readonly string[]): void {
  const beyond = scopes.find((scope) => !holds(caller, scope));
  if (beyond) throw missingScope(beyond);
}

/** Whether the caller has the scope and may pass it on. */
export function holds(caller: Caller, scope: string): boolean {
  return (
    caller.scopes.has('*') ||
    caller.scopes.has(scope) ||
    (scope.startsWith('resolve:') && caller.scopes.has('resolve:*'))
  );
}
