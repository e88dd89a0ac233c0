import { wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

/** SUSPENDED → ACTIVE. */
export const resumeTenant = lifecycleCommand({
  action: 'resumeTenant',
  fields: {},
  decide(tenant) {
    if (tenant.status !== 'SUSPENDED') throw wrongStatus(tenant, 'resumed');
    return { status: 'ACTIVE' };
  },
  reopens: (tenant) => tenant.status === 'SUSPENDED',
});
