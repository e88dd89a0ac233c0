import { RegistryError } from '../../errors.js';
import { wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';

/** DELETED → what it was before: a tenant deleted while suspended comes back suspended. */
export const restoreTenant = tenantCommand('restoreTenant', {}, (tenant) => {
  if (tenant.status !== 'DELETED') throw wrongStatus(tenant, 'restored');
  if (tenant.purgeAfter && tenant.purgeAfter < new Date())
    throw new RegistryError(
      'TENANT_DELETED',
      `Tenant ${tenant.slug} could be restored until ${tenant.purgeAfter.toISOString()}`,
    );
  return { status: tenant.statusBeforeDeletion ?? 'ACTIVE' };
});
