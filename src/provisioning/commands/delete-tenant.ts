import { days, daysFromNow, optional } from '../../registry/input.js';
import { requireNoOperation, requireUnprotected, wrongStatus } from '../../registry/tenants/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';

const defaultRestorableDays = 30;

/**
 * Marks the tenant as deleted: it does not resolve any more, but its data and names stay. restoreTenant restores it until the
 * date that is set here.
 */
export const deleteTenant = lifecycleCommand({
  action: 'deleteTenant',
  fields: { restorableDays: optional(days) },
  decide(tenant, { restorableDays }) {
    requireNoOperation(tenant);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'deleted again');
    requireUnprotected(tenant, 'deleted');
    return { status: 'DELETED', purgeAfter: daysFromNow(restorableDays ?? defaultRestorableDays) };
  },
});
