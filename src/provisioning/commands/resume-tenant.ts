import { wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

/** SUSPENDED → ACTIVE. */
export const resumeTenant = lifecycleCommand(
  'resumeTenant',
  {},
  (tenant) => {
    if (tenant.status !== 'SUSPENDED') throw wrongStatus(tenant, 'resumed');
    return { status: 'ACTIVE' };
  },
  { reopens: (tenant) => tenant.status === 'SUSPENDED' },
);
