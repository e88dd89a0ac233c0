import { future, optional, prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { type LifecycleChange, lifecycleCommand } from '../lifecycle.js';

const fields = { reason: prose(500), suspendUntil: optional(future) };

/** ACTIVE → SUSPENDED, until resumeTenant or a worker ends it; for suspendTenant and suspendTenants. */
export const suspension: LifecycleChange<typeof fields> = {
  action: 'suspendTenant',
  fields,
  waitFor: 'EVERYWHERE',
  decide(tenant, { reason, suspendUntil }) {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason, suspendUntil: suspendUntil ?? null };
  },
};

/** When the command answers, no gateway and no client resolves the tenant any more. */
export const suspendTenant = lifecycleCommand(suspension);
