import { days, daysFromNow, optional } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

const defaultRestorableDays = 30;

/** Soft: the tenant stops resolving; its data and names stay, and restoreTenant brings it back until the date set here. */
export const deleteTenant = lifecycleCommand(
  'deleteTenant',
  { restorableDays: optional(days) },
  (tenant, wanted) => {
    requireNoOperation(tenant);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'deleted again');
    return { status: 'DELETED', purgeAfter: daysFromNow(wanted.restorableDays ?? defaultRestorableDays) };
  },
);
