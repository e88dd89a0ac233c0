import type { Prisma } from '../database/generated/prisma/client.js';
import { listTenantsConfigured } from '../profile/matching-configs.js';
import { isUuid } from '../registry/slug.js';
import { tenantsMatching } from '../registry/tenant-filter.js';
import { findTenantRecord } from '../registry/tenant-record.js';
import { countTenants } from '../registry/tenant-summary.js';
import { builder } from './builder.js';
import type { GraphqlContext } from './context.js';
import { authorized, foreignCursor, type PageArguments, requireOneEnd } from './page.js';
import { PlanType, Tenant, TenantStatusType } from './tenant.js';

const TenantFilter = builder.inputType('TenantFilter', {
  description: 'Conditions on tenants; a tenant must meet all of them.',
  fields: (t) => ({
    status: t.field({ type: [TenantStatusType], description: 'Only tenants in one of these statuses.' }),
    plan: t.field({ type: [PlanType], description: 'Only tenants on one of these plans.' }),
    module: t.field({
      type: 'ModuleName',
      description: 'Only tenants with an active subscription to this module.',
    }),
    text: t.string({
      description: 'Only tenants with this text in their name or slug; upper and lower case are the same.',
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

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Direction of an order.',
  values: {
    ASC: { value: 'asc', description: 'Smallest or oldest first.' },
    DESC: { value: 'desc', description: 'Largest or newest first.' },
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
  authorized(
    'readRegistry',
    t.prismaConnection(
      {
        type: Tenant,
        cursor: 'id',
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
        resolve: async (query, _root, { filter, orderBy, ...page }, context) => {
          requireOneEnd(page);
          const { field, direction } = orderBy ?? { field: 'name', direction: 'asc' };
          const where = await selectTenants(context, filter ?? {});
          return context.prisma.tenant.findMany({
            ...query,
            ...(query.cursor && { skip: await countSkipped(context, where, query.cursor.id, page) }),
            where,
            // The id makes the order total, so that pages neither overlap nor skip a tenant.
            orderBy: [{ [field]: direction }, { id: direction }],
          });
        },
      },
      {
        name: 'TenantConnection',
        description: 'A page of tenants.',
        fields: (t) => ({
          totalCount: t.int({
            description: 'Number of tenants on all pages together.',
            resolve: async ({ args }, _args, context) =>
              countTenants(context, await selectTenants(context, args.filter ?? {})),
          }),
        }),
      },
      { name: 'TenantEdge', description: 'A tenant with its cursor.' },
    ),
  ),
);

/** The tenant at the cursor is skipped, unless the filter does not match it any more. */
async function countSkipped(
  context: GraphqlContext,
  where: Prisma.TenantWhereInput,
  id: unknown,
  page: PageArguments,
): Promise<number> {
  if (typeof id !== 'string' || !isUuid(id) || !(await findTenantRecord(context, id)))
    throw foreignCursor(page);
  return countTenants(context, { AND: [where, { id }] });
}

async function selectTenants(
  { prisma }: GraphqlContext,
  { config, ...filter }: typeof TenantFilter.$inferInput,
): Promise<Prisma.TenantWhereInput> {
  const where = tenantsMatching(filter);
  if (config === undefined || config === null) return where;
  return { ...where, id: { in: await listTenantsConfigured(prisma, config) } };
}
