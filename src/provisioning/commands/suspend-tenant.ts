import { prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

/** ACTIVE → SUSPENDED. When the command answers, no gateway and no client resolves the tenant any more. */
export const suspendTenant = lifecycleCommand({
  action: 'suspendTenant',
  fields: { reason: prose(500) },
  waitFor: 'EVERYWHERE',
  decide(tenant, { reason }) {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason };
  },
});
