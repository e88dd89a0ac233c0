import type { Change, ChangeView } from '../feed/change.js';
import type { Caller } from './caller.js';
import { may, mayResolve } from './permissions.js';

/**
 * Decides what a caller sees of a change. The view withholds tenants and modules that the caller has no business with, and
 * never a change that could alter an answer which the caller may hold. Such an answer is a route or a refusal of a module
 * that the caller may resolve; it depends on the tenant, on that module, and on the tenant's subscription to that module.
 *
 * - A subscription to another module is in no such answer.
 * - A tenant that never had a subscription to one of the caller's modules has no route, so the caller can hold only refusals
 *   of it. The caller hears that refusals are no longer valid, without the tenant. Subscriptions are never deleted, so
 *   `tenantModules` has those of the past as well.
 * - Settings and branding are in no answer of the caller's kind.
 */
export function viewChanges(caller: Caller): ChangeView {
  if (may(caller, 'readRegistry')) return () => 'whole';
  return ({ kind, tenantId, module, tenantModules }: Change) => {
    if (tenantId !== null && module !== null) return mayResolve(caller, module) ? 'whole' : 'nothing';
    // A module that was renamed by hand is in the log under its new name alone.
    if (module !== null) return mayResolve(caller, module) ? 'whole' : 'refusals';
    if (tenantModules.some((one) => mayResolve(caller, one))) return 'whole';
    return kind.startsWith('settings.') || kind.startsWith('branding.') ? 'nothing' : 'refusals';
  };
}
