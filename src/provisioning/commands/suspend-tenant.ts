import { text } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

/** ACTIVE → SUSPENDED: once it is answered, nothing of the tenant resolves anywhere. */
export const suspendTenant = lifecycleCommand(
  'suspendTenant',
  { reason: text(500) },
  (tenant, { reason }) => {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason };
  },
  { waitFor: 'EVERYWHERE' },
);
