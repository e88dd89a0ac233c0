import { RegistryError } from '../../errors.js';
import { wrongStatus } from '../../registry/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';
import { callOffPurge } from '../operations/purge.js';

/** DELETED → what it was before, with its data: a tenant deleted while suspended comes back suspended. */
export const restoreTenant = lifecycleCommand(
  'restoreTenant',
  {},
  (tenant) => {
    if (tenant.status !== 'DELETED') throw wrongStatus(tenant, 'restored');
    if (tenant.purgeAfter && tenant.purgeAfter < new Date())
      throw new RegistryError(
        'TENANT_DELETED',
        `Tenant ${tenant.slug} could be restored until ${tenant.purgeAfter.toISOString()}`,
      );
    return { status: tenant.statusBeforeDeletion ?? 'ACTIVE' };
  },
  {
    reopens: (tenant) => tenant.status === 'DELETED' && tenant.statusBeforeDeletion === 'ACTIVE',
    also: (tx, tenant) => callOffPurge(tx, tenant.id),
  },
);
