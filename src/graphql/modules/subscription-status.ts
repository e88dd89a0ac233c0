import { SubscriptionStatus } from '../../database/generated/prisma/enums.js';
import type { SubscriptionCount } from '../../registry/tenants/subscription-counts.js';
import { builder } from '../builder.js';

export const SubscriptionStatusType = builder.enumType('SubscriptionStatus', {
  description: 'Status of a subscription. Only ACTIVE subscriptions resolve.',
  values: {
    [SubscriptionStatus.PENDING]: {
      description: 'Subscribed; the storage waits to be created or to be marked as provisioned.',
    },
    [SubscriptionStatus.PROVISIONING]: { description: 'The storage is being created.' },
    [SubscriptionStatus.ACTIVE]: { description: 'Resolves while its tenant is active.' },
    [SubscriptionStatus.MIGRATING]: { description: 'The data is being moved.' },
    [SubscriptionStatus.SUSPENDED]: {
      description: 'Suspended for this module only; resumeSubscription ends the suspension.',
    },
    [SubscriptionStatus.FAILED]: {
      description: 'The storage could not be created; subscribing again retries.',
    },
    [SubscriptionStatus.DEPROVISIONING]: { description: 'The storage is being removed.' },
    [SubscriptionStatus.CANCELLED]: { description: 'Unsubscribed; the names stay reserved.' },
  } as const,
});

export const SubscriptionStatusCount = builder
  .objectRef<SubscriptionCount>('SubscriptionStatusCount')
  .implement({
    description: 'Number of subscriptions in a status.',
    fields: (t) => ({
      status: t.expose('status', {
        type: SubscriptionStatusType,
        description: 'Status of these subscriptions.',
      }),
      count: t.exposeInt('count', { description: 'Number of subscriptions.' }),
    }),
  });
