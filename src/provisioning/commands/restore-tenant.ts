import { RegistryError } from '../../errors.js';
import { wrongStatus } from '../../registry/tenants/tenant.js';
import { lifecycleCommand } from '../lifecycle.js';
import { cancelPurge } from '../operations/run/purge.js';

/** DELETED → the status before the deletion, with all data: a tenant that was suspended is suspended again. */
export const restoreTenant = lifecycleCommand({
  action: 'restoreTenant',
  fields: {},
  decide(tenant) {
    if (tenant.status !== 'DELETED') throw wrongStatus(tenant, 'restored');
    if (tenant.purgeAfter && tenant.purgeAfter < new Date())
      throw new RegistryError(
        'TENANT_DELETED',
        `Tenant ${tenant.slug} could be restored until ${tenant.purgeAfter.toISOString()}`,
      );
    return { status: tenant.statusBeforeDeletion ?? 'ACTIVE' };
  },
  reopens: (tenant) => tenant.status === 'DELETED' && tenant.statusBeforeDeletion === 'ACTIVE',
  writeMore: (tx, tenant) => cancelPurge(tx, tenant.id),
});
