import { useChange } from '../../api/queries.js';
import {
  type Plan,
  ResumeTenantsDocument,
  SubscribeTenantsDocument,
  SuspendTenantsDocument,
  type TenantFilter,
  UpdateTenantsDocument,
} from '../../generated/graphql.js';

export type BulkAction = 'SUSPEND' | 'RESUME' | 'SUBSCRIBE' | 'UPDATE';

interface BulkInput {
  tenantIds?: string[];
  filter?: TenantFilter;
  expectedCount: number;
  reason: string;
  module: string;
  plan: Plan;
}

type Payload = { operation: { id: string } | null } | null;

/** The mutation of an action on many tenants. */
export function useBulkChange(kind: BulkAction, onOperation: (id: string) => void) {
  const done = (payload: Payload) => payload?.operation && onOperation(payload.operation.id);
  const suspend = useChange(SuspendTenantsDocument, { onDone: (result) => done(result.suspendTenants) });
  const resume = useChange(ResumeTenantsDocument, { onDone: (result) => done(result.resumeTenants) });
  const subscribe = useChange(SubscribeTenantsDocument, {
    onDone: (result) => done(result.subscribeTenants),
  });
  const update = useChange(UpdateTenantsDocument, { onDone: (result) => done(result.updateTenants) });
  const { isPending, error } = { SUSPEND: suspend, RESUME: resume, SUBSCRIBE: subscribe, UPDATE: update }[
    kind
  ];

  const start = ({ reason, module, plan, ...where }: BulkInput) => {
    // The dialog shows the progress, so the answer need not wait for the end.
    const input = { ...where, wait: 'COMMITTED' as const };
    if (kind === 'SUSPEND') suspend.mutate({ input: { ...input, reason } });
    else if (kind === 'RESUME') resume.mutate({ input });
    else if (kind === 'SUBSCRIBE') subscribe.mutate({ input: { ...input, module, provision: true } });
    else update.mutate({ input: { ...input, plan } });
  };
  return { start, isPending, error };
}
