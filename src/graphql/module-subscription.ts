import { SubscriptionStatus } from '../database/generated/prisma/enums.js';
import { historyLength } from '../provisioning/operations/history.js';
import { builder } from './builder.js';
import { IsolationType } from './module.js';
import { Operation } from './operation.js';

const SubscriptionStatusType = builder.enumType('SubscriptionStatus', {
  description: 'Where a tenant’s right to a module stands. Only ACTIVE resolves.',
  values: {
    [SubscriptionStatus.PENDING]: { description: 'Subscribed; its storage waits to be made or marked.' },
    [SubscriptionStatus.PROVISIONING]: { description: 'Its storage is being made.' },
    [SubscriptionStatus.ACTIVE]: { description: 'Resolves, while its tenant is active.' },
    [SubscriptionStatus.MIGRATING]: { description: 'Its data is being moved.' },
    [SubscriptionStatus.SUSPENDED]: { description: 'Stopped for this module alone.' },
    [SubscriptionStatus.FAILED]: {
      description: 'Its storage could not be made; subscribing again tries anew.',
    },
    [SubscriptionStatus.DEPROVISIONING]: { description: 'Its storage is being removed.' },
    [SubscriptionStatus.CANCELLED]: { description: 'Unsubscribed; its names stay taken.' },
  } as const,
});

export const ModuleSubscription = builder.prismaObject('ModuleSubscription', {
  description: 'A tenant’s right to a module, and where the data of it is kept.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    module: t.relation('module', { description: 'The module.' }),
    schemaName: t.exposeString('schemaName', {
      description: 'The tenant’s schema; `public` where the tenant has a database of its own.',
    }),
    databaseName: t.exposeString('databaseName', { description: 'The database the schema is in.' }),
    isolation: t.expose('isolation', { type: IsolationType, description: 'Schema or database of its own.' }),
    status: t.expose('status', { type: SubscriptionStatusType, description: 'Where it stands.' }),
    generation: t.exposeInt('generation', {
      description:
        'Counts bindings of the tenant to a place; a client that holds an older one is turned away.',
    }),
    migrationVersion: t.exposeString('migrationVersion', {
      nullable: true,
      description:
        'The last of the module’s migrations that ran, such as `finance/0002_invoice_numbering.sql`.',
    }),
    provisionedAt: t.expose('provisionedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it first resolved.',
    }),
    cancelledAt: t.expose('cancelledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was cancelled.',
    }),
    purgeAfter: t.expose('purgeAfter', {
      type: 'DateTime',
      nullable: true,
      description: 'When the data of a cancelled subscription is dropped; null when it is not cancelled.',
    }),
    storageRemovedAt: t.expose('storageRemovedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When that was done.',
    }),
    version: t.exposeInt('version', { description: 'Counts changes; give it back as `expectedVersion`.' }),
    history: t.field({
      type: [Operation],
      description: `What was tried for it, by whom, when and how it ended; newest first, at most ${historyLength}.`,
      select: { tenantId: true, moduleName: true },
      resolve: ({ tenantId, moduleName }, _args, context) => context.history.load({ tenantId, moduleName }),
    }),
  }),
});
