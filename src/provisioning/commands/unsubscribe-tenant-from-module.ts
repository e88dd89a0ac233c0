import { days, daysFromNow, optional } from '../../registry/input.js';
import { subscriptionCommand } from '../subscription-lifecycle.js';

/** How long the data of a cancelled subscription is kept by default, in days. */
const defaultKeptDays = 30;

/**
 * Cancels the subscription: the module stops resolving for the tenant. The data stays until `keepDataDays` have passed, the names
 * stay forever; subscribing again uses both. A separate operation drops the data.
 */
export const unsubscribeTenantFromModule = subscriptionCommand({
  action: 'unsubscribeTenantFromModule',
  fields: { keepDataDays: optional(days) },
  decide: (_subscription, _tenant, { keepDataDays }) => ({
    status: 'CANCELLED',
    purgeAfter: daysFromNow(keepDataDays ?? defaultKeptDays),
  }),
});
