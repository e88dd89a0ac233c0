import { queryFromInfo } from '@pothos/plugin-prisma';
import { authorize } from '../../auth/permissions.js';
import { readConfigCondition } from '../../profile/config/matching-configs.js';
import { readTenantSelection } from '../../registry/lists/tenant-filter.js';
import { builder } from '../builder.js';
import { OrderDirection } from '../fields/order-direction.js';
import { Tenant } from './tenant.js';
import { TenantFilter } from './tenant-filter.js';
import { TenantPage } from './tenant-page.js';

const TenantOrderField = builder.enumType('TenantOrderField', {
  description: 'Field by which tenants are ordered.',
  values: {
    NAME: { value: 'name', description: 'By name.' },
    SLUG: { value: 'slug', description: 'By slug.' },
    CREATED_AT: { value: 'createdAt', description: 'By time of registration.' },
    UPDATED_AT: { value: 'updatedAt', description: 'By time of the last change.' },
    PLAN: { value: 'plan', description: 'By plan, in the order of enum Plan; within a plan by name.' },
    STATUS: {
      value: 'status',
      description: 'By status, in the order of enum TenantStatus; within a status by name.',
    },
  } as const,
});

const TenantOrder = builder.inputType('TenantOrder', {
  description: 'Order of a list of tenants.',
  fields: (t) => ({
    field: t.field({ type: TenantOrderField, required: true, description: 'Field to order by.' }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'asc',
      description: 'Direction of the order.',
    }),
  }),
});

builder.queryField('tenants', (t) =>
  t.connection(
    {
      type: Tenant,
      description:
        'Tenants in every status except PURGED, unless the filter names statuses; ordered by name by ' +
        'default. Scope: registry:read.',
      args: {
        filter: t.arg({ type: TenantFilter, description: 'Conditions on the tenants. Default: none.' }),
        orderBy: t.arg({
          type: TenantOrder,
          description: 'Order of the tenants. Default: by name, ascending.',
        }),
      },
      resolve: (_root, { filter, orderBy, ...page }, context, info) => {
        authorize(context.caller, 'readRegistry');
        const { config, ...conditions } = filter ?? {};
        const selection = readTenantSelection(conditions, readConfigCondition(config));
        const selected = queryFromInfo({ context, info, path: ['edges', 'node'] });
        return new TenantPage(context, selection, { page, orderBy, selected });
      },
    },
    {
      name: 'TenantConnection',
      description: 'A page of tenants.',
      fields: (t) => ({
        totalCount: t.int({
          description:
            'Number of tenants on all pages together. It is exact by status, plan and module; with other conditions it ' +
            'is at most 10,000, see `totalCountIsCapped`.',
          resolve: async (page) => (await page.count).total,
        }),
        totalCountIsCapped: t.boolean({
          description: 'Whether there may be more tenants than `totalCount` says.',
          resolve: async (page) => (await page.count).isCapped,
        }),
      }),
    },
    { name: 'TenantEdge', description: 'A tenant with its cursor.' },
  ),
);
