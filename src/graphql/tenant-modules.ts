import { builder } from './builder.js';
import { ModuleSubscription } from './module-subscription.js';
import { Tenant } from './tenant.js';

/** Statuses of subscriptions that count as subscribed. */
const subscribedStatuses = ['PENDING', 'PROVISIONING', 'ACTIVE', 'MIGRATING', 'SUSPENDED', 'FAILED'] as const;

const byModule = { orderBy: { moduleName: 'asc' } } as const;
const selectSubscriptions = { subscriptions: byModule } as const;

interface SubscriptionRow {
  moduleName: string;
  schemaName: string;
  status: string;
}

function subscribed(subscriptions: readonly SubscriptionRow[]): SubscriptionRow[] {
  return subscriptions.filter(({ status }) => (subscribedStatuses as readonly string[]).includes(status));
}

function schemaOf(subscriptions: readonly SubscriptionRow[], module: string): string | null {
  return subscribed(subscriptions).find(({ moduleName }) => moduleName === module)?.schemaName ?? null;
}

builder.prismaObjectFields(Tenant, (t) => ({
  subscriptions: t.relation('subscriptions', {
    type: ModuleSubscription,
    query: byModule,
    description: 'Subscriptions of the tenant, cancelled ones included, ordered by module.',
  }),
  modulesSubscribed: t.field({
    type: ['ModuleName'],
    description:
      'Names of the modules that the tenant is subscribed to; cancelled subscriptions are left out.',
    select: selectSubscriptions,
    resolve: ({ subscriptions }) => subscribed(subscriptions).map(({ moduleName }) => moduleName),
  }),
  operationsSchema: t.string({
    nullable: true,
    description: 'Schema of the operations data; null when the tenant is not subscribed.',
    select: selectSubscriptions,
    resolve: ({ subscriptions }) => schemaOf(subscriptions, 'operations'),
  }),
  financeSchema: t.string({
    nullable: true,
    description: 'Schema of the finance data; null when the tenant is not subscribed.',
    select: selectSubscriptions,
    resolve: ({ subscriptions }) => schemaOf(subscriptions, 'finance'),
  }),
  inventorySchema: t.string({
    nullable: true,
    description: 'Schema of the inventory data; null when the tenant is not subscribed.',
    select: selectSubscriptions,
    resolve: ({ subscriptions }) => schemaOf(subscriptions, 'inventory'),
  }),
}));
