import { prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { type LifecycleChange, lifecycleCommand } from '../lifecycle.js';

const fields = { reason: prose(500) };

/** ACTIVE → SUSPENDED, for suspendTenant and suspendTenants. */
export const suspension: LifecycleChange<typeof fields> = {
  action: 'suspendTenant',
  fields,
  waitFor: 'EVERYWHERE',
  decide(tenant, { reason }) {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason };
  },
};

/** When the command answers, no gateway and no client resolves the tenant any more. */
export const suspendTenant = lifecycleCommand(suspension);
