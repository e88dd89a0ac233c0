import { wrongStatus } from '../../registry/tenants/tenant.js';
import { type LifecycleChange, lifecycleCommand } from '../lifecycle.js';

/** SUSPENDED → ACTIVE, for resumeTenant and resumeTenants. */
export const resumption = {
  action: 'resumeTenant',
  fields: {},
  decide(tenant) {
    if (tenant.status !== 'SUSPENDED') throw wrongStatus(tenant, 'resumed');
    return { status: 'ACTIVE' };
  },
  reopens: (tenant) => tenant.status === 'SUSPENDED',
} satisfies LifecycleChange<Record<never, never>>;

export const resumeTenant = lifecycleCommand(resumption);
