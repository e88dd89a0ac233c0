import { RegistryError } from '../errors.js';
import type { Caller } from './caller.js';

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
] as const;

type PlainScope = (typeof plainScopes)[number];

/** Who may do what: the one table. Resolution has a scope per module and is checked by `mayResolve`. */
const scopeByAction = {
  readRegistry: 'registry:read',
  readAuditLog: 'audit:read',
  readSchema: 'schema:read',
  registerTenant: 'registry:write',
  updateTenant: 'registry:write',
  suspendTenant: 'registry:write',
  resumeTenant: 'registry:write',
  deleteTenant: 'registry:write',
  restoreTenant: 'registry:write',
  purgeTenant: 'registry:write',
  updateTenantConfig: 'registry:write',
  updateTenantSettings: 'registry:write',
  updateTenantBranding: 'registry:write',
  registerModule: 'registry:write',
  updateModule: 'registry:write',
  subscribeTenantToModule: 'registry:write',
  unsubscribeTenantFromModule: 'registry:write',
  provisionModule: 'provision',
  provisionTenant: 'provision',
  markModuleProvisioned: 'provision',
  retryOperation: 'provision',
  cancelOperation: 'provision',
  adoptStorage: 'provision',
  createApiKey: 'keys:manage',
  listApiKeys: 'keys:manage',
  revokeApiKey: 'keys:manage',
} as const satisfies Record<string, PlainScope>;

export type Action = keyof typeof scopeByAction;

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

/** Nobody hands out more than they hold. */
export function holds(caller: Caller, scope: string): boolean {
  return (
    caller.scopes.has('*') ||
    caller.scopes.has(scope) ||
    (scope.startsWith('resolve:') && caller.scopes.has('resolve:*'))
  );
}
