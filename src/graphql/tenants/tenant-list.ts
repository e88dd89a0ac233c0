import { queryFromInfo } from '@pothos/plugin-prisma';
import { authorize } from '../../auth/permissions.js';
import { readConfigCondition } from '../../profile/matching-configs.js';
import { readTenantSelection } from '../../registry/lists/tenant-filter.js';
import { builder } from '../builder.js';
import { OrderDirection } from '../fields/order-direction.js';
import { PlanType, Tenant, TenantStatusType } from './tenant.js';
import { TenantPage } from './tenant-page.js';

export const TenantFilter = builder.inputType('TenantFilter', {
  description: 'Conditions on tenants; a tenant must meet all of them.',
  fields: (t) => ({
    status: t.field({ type: [TenantStatusType], description: 'Only tenants in one of these statuses.' }),
    plan: t.field({ type: [PlanType], description: 'Only tenants on one of these plans.' }),
    module: t.field({
      type: 'ModuleName',
      description: 'Only tenants with an active subscription to this module.',
    }),
    text: t.string({
      description:
        'Only tenants with this text in their name or slug; upper and lower case are the same. One or two ' +
        'characters are the beginning of a name or slug.',
    }),
    config: t.field({
      type: 'JSON',
      description:
        'Only tenants whose configuration contains this value, as by PostgreSQL’s operator `@>`: ' +
        '`{"destinations": [{"code": "ZNZ"}]}` selects every tenant that has this destination, among others. ' +
        'When more than 10,000 tenants match, the query is refused with VALIDATION_ERROR.',
    }),
  }),
});

const TenantOrderField = builder.enumType('TenantOrderField', {
  description: 'Field by which tenants are ordered.',
  values: {
    NAME: { value: 'name', description: 'By name.' },
    SLUG: { value: 'slug', description: 'By slug.' },
    CREATED_AT: { value: 'createdAt', description: 'By time of registration.' },
    UPDATED_AT: { value: 'updatedAt', description: 'By time of the last change.' },
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
            'Number of tenants on all pages together. It is exact by status, plan and module; with `text` it is ' +
            'at most 10,000, see `totalCountIsCapped`.',
          resolve: async (page) => (await page.count).total,
        }),
        totalCountIsCapped: t.boolean({
          description: 'Whether there are more tenants than `totalCount` says.',
          resolve: async (page) => (await page.count).isCapped,
        }),
      }),
    },
    { name: 'TenantEdge', description: 'A tenant with its cursor.' },
  ),
);
