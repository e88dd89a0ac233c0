import { useScreen } from '../api/queries.js';
import { ViewerDocument } from '../generated/graphql.js';
import { scopeByAction } from '../generated/registry-facts.js';

export type Action = keyof typeof scopeByAction;

/** What the caller may do. Before the answer is there, nothing. */
export function useRights() {
  const { data, error, isPending } = useScreen(ViewerDocument, {});
  const viewer = data?.viewer;
  return {
    viewer,
    error,
    isPending,
    scopes: viewer?.scopes ?? [],
    may: (action: Action) => viewer?.may.includes(action) ?? false,
    /** By scope, or as a member of this tenant. */
    mayIn: (action: Action, tenantId: string) =>
      (viewer?.may.includes(action) ||
        viewer?.memberships.some(({ tenant, may }) => tenant.id === tenantId && may.includes(action))) ??
      false,
  };
}

/** The scope that the action needs. */
export function scopeOf(action: Action): string {
  return scopeByAction[action];
}
