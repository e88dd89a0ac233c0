import { future, optional, prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

/**
 * ACTIVE → SUSPENDED, until resumeTenant or a worker ends it. When the command answers, no gateway and no client resolves the tenant
 * any more.
 */
export const suspendTenant = lifecycleCommand({
  action: 'suspendTenant',
  fields: { reason: prose(500), suspendUntil: optional(future) },
  waitFor: 'EVERYWHERE',
  decide(tenant, { reason, suspendUntil }) {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason, suspendUntil: suspendUntil ?? null };
  },
});
