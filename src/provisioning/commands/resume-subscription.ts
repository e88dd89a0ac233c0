import { RegistryError } from '../../errors.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenants/tenant.js';
import { nameOf, subscriptionCommand } from '../subscription-lifecycle.js';

/** SUSPENDED → ACTIVE, for one module of the tenant; it resolves when the tenant is active. */
export const resumeSubscription = subscriptionCommand({
  action: 'resumeSubscription',
  fields: {},
  reopens: true,
  decide(subscription, tenant) {
    requireNoOperation(tenant);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'changed');
    const { status, provisionedAt } = subscription;
    // One that was suspended by hand before it had storage must not resolve.
    if (status === 'SUSPENDED') return { status: provisionedAt ? 'ACTIVE' : 'PENDING' };
    const wayOut =
      status === 'ACTIVE'
        ? ''
        : ': provisionModule creates its storage, retryOperation tries a failed attempt again';
    throw new RegistryError(
      'CONFLICT',
      `${nameOf(tenant, subscription)} is ${status.toLowerCase()}, not suspended${wayOut}`,
    );
  },
});
