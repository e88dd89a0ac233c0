import { text } from '../input.js';
import { requireNoOperation, wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';

/** ACTIVE → SUSPENDED: from its commit on, nothing of the tenant resolves. */
export const suspendTenant = tenantCommand('suspendTenant', { reason: text(500) }, (tenant, { reason }) => {
  requireNoOperation(tenant);
  if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
  return { status: 'SUSPENDED', suspendedReason: reason };
});
