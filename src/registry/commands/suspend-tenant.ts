import { text } from '../input.js';
import { requireNoOperation, wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';

/** ACTIVE → SUSPENDED: once it is answered, nothing of the tenant resolves anywhere. */
export const suspendTenant = tenantCommand(
  'suspendTenant',
  { reason: text(500) },
  (tenant, { reason }) => {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    return { status: 'SUSPENDED', suspendedReason: reason };
  },
  { waitFor: 'EVERYWHERE' },
);
