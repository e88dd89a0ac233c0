import { invalidField } from '../../errors.js';
import { future, optional, prose } from '../../registry/input.js';
import { requireNoOperation, wrongStatus } from '../../registry/tenants/tenant.js';
import { type LifecycleChange, lifecycleCommand } from '../lifecycle.js';

const fields = { reason: prose(500), suspendUntil: optional(future) };

/** ACTIVE → SUSPENDED, until resumeTenant or a worker ends it; for suspendTenant and suspendTenants. */
export const suspension = {
  action: 'suspendTenant',
  fields,
  waitFor: 'EVERYWHERE',
  decide(tenant, { reason, suspendUntil }) {
    requireNoOperation(tenant);
    if (tenant.status !== 'ACTIVE') throw wrongStatus(tenant, 'suspended');
    // An operation on many tenants may come to this one long after its request was read.
    if (suspendUntil && suspendUntil <= new Date())
      throw invalidField('suspendUntil', 'must be in the future');
    return { status: 'SUSPENDED', suspendedReason: reason, suspendUntil: suspendUntil ?? null };
  },
} satisfies LifecycleChange<typeof fields>;

/** When the command answers, no gateway and no client resolves the tenant any more. */
export const suspendTenant = lifecycleCommand(suspension);
