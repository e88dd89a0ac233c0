import { RegistryError } from '../../errors.js';
import { optional, prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenants/tenant.js';
import { nameOf, subscriptionCommand } from '../subscription-lifecycle.js';

/**
 * ACTIVE → SUSPENDED, for one module of the tenant. A suspended tenant's subscription is suspended as well: it then stays so
 * when the tenant is resumed.
 */
export const suspendSubscription = subscriptionCommand({
  action: 'suspendSubscription',
  fields: { reason: optional(prose(500)) },
  waitFor: 'EVERYWHERE',
  decide(subscription, tenant, { reason }) {
    requireNoOperation(tenant);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    const { status } = subscription;
    if (status === 'ACTIVE') return { status: 'SUSPENDED', suspendedReason: reason ?? null };
    throw new RegistryError(
      'CONFLICT',
      status === 'SUSPENDED'
        ? `${nameOf(tenant, subscription)} is suspended already: resumeSubscription ends the suspension`
        : `${nameOf(tenant, subscription)} is ${status.toLowerCase()}, so there is nothing to suspend: cancel it with unsubscribeTenantFromModule`,
    );
  },
});
