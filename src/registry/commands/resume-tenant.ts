import { wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';

/** SUSPENDED → ACTIVE. */
export const resumeTenant = tenantCommand('resumeTenant', {}, (tenant) => {
  if (tenant.status !== 'SUSPENDED') throw wrongStatus(tenant, 'resumed');
  return { status: 'ACTIVE' };
});
