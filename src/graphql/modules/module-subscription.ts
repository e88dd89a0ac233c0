import { builder } from '../builder.js';
import { Node } from '../fields/node.js';
import { IsolationType } from './module.js';
import { SubscriptionStatusType } from './subscription-status.js';

export const ModuleSubscription = builder.prismaObject('ModuleSubscription', {
  interfaces: [Node],
  description: 'A tenant’s right to use a module, with the location of the tenant’s data.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID.' }),
    module: t.relation('module', { description: 'The subscribed module.' }),
    schemaName: t.exposeString('schemaName', {
      description: 'Schema of the tenant; `public` when the tenant has a database of its own.',
    }),
    databaseName: t.exposeString('databaseName', { description: 'Database that contains the schema.' }),
    isolation: t.expose('isolation', {
      type: IsolationType,
      description: 'Isolation of the data from other tenants.',
    }),
    status: t.expose('status', { type: SubscriptionStatusType, description: 'Status of the subscription.' }),
    generation: t.exposeInt('generation', {
      description:
        'Number of times that the tenant was bound to a location; a client with a lower generation is rejected.',
    }),
    migrationVersion: t.exposeString('migrationVersion', {
      nullable: true,
      description: 'Last applied migration of the module, such as `finance/0002_invoice_numbering.sql`.',
    }),
    provisionedAt: t.expose('provisionedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the subscription first resolved.',
    }),
    suspendedAt: t.expose('suspendedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When this subscription was suspended; null when it is not.',
    }),
    suspendedReason: t.exposeString('suspendedReason', {
      nullable: true,
      description: 'Reason of the suspension; null when there is none.',
    }),
    cancelledAt: t.expose('cancelledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the subscription was cancelled.',
    }),
    purgeAfter: t.expose('purgeAfter', {
      type: 'DateTime',
      nullable: true,
      description: 'When the data of a cancelled subscription is dropped; null when it is not cancelled.',
    }),
    storageRemovedAt: t.expose('storageRemovedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the data was dropped.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the tenant first subscribed.',
    }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Actor that subscribed the tenant, as in the audit log; null when it is not known.',
    }),
    version: t.exposeInt('version', {
      description: 'Version of the subscription; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});
