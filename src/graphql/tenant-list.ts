import type { Prisma } from '../database/generated/prisma/client.js';
import { listTenantsConfigured } from '../profile/matching-configs.js';
import { isUuid } from '../registry/slug.js';
import { tenantsMatching } from '../registry/tenant-filter.js';
import { builder } from './builder.js';
import type { GraphqlContext } from './context.js';
import { authorized, foreignCursor, requireOneEnd } from './page.js';
import { PlanType, Tenant, TenantStatusType } from './tenant.js';

const TenantFilter = builder.inputType('TenantFilter', {
  description: 'Which tenants; all conditions together.',
  fields: (t) => ({
    status: t.field({ type: [TenantStatusType], description: 'In one of these statuses.' }),
    plan: t.field({ type: [PlanType], description: 'On one of these plans.' }),
    module: t.field({ type: 'ModuleName', description: 'With an active subscription to this module.' }),
    text: t.string({ description: 'With this text in name or slug, in whatever case.' }),
    config: t.field({
      type: 'JSON',
      description:
        'With this in the configuration, by PostgreSQL’s containment: `{"destinations": [{"code": "ZNZ"}]}` finds everybody who ' +
        'has that destination among others. At most 10,000 tenants may match; more are refused as VALIDATION_ERROR.',
    }),
  }),
});

const TenantOrderField = builder.enumType('TenantOrderField', {
  description: 'What tenants can be ordered by.',
  values: {
    NAME: { value: 'name', description: 'By name.' },
    SLUG: { value: 'slug', description: 'By slug.' },
    CREATED_AT: { value: 'createdAt', description: 'By the time of registration.' },
    UPDATED_AT: { value: 'updatedAt', description: 'By the time of the last change.' },
  } as const,
});

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end comes first.',
  values: {
    ASC: { value: 'asc', description: 'Smallest or oldest first.' },
    DESC: { value: 'desc', description: 'Largest or newest first.' },
  } as const,
});

const TenantOrder = builder.inputType('TenantOrder', {
  description: 'In which order.',
  fields: (t) => ({
    field: t.field({ type: TenantOrderField, required: true, description: 'What to order by.' }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'asc',
      description: 'Which end comes first.',
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
          'Tenants in every status but PURGED, by name unless told otherwise. Scope: registry:read.',
        args: {
          filter: t.arg({ type: TenantFilter, description: 'Which tenants; default all.' }),
          orderBy: t.arg({ type: TenantOrder, description: 'Default by name, A first.' }),
        },
        resolve: async (query, _root, { filter, orderBy, ...page }, context) => {
          requireOneEnd(page);
          const { field, direction } = orderBy ?? { field: 'name', direction: 'asc' };
          const where = await selectTenants(context, filter ?? {});
          return context.prisma.tenant.findMany({
            ...query,
            ...(query.cursor && { skip: await countToSkip(query.cursor.id) }),
            where,
            // The id makes the order total, so that pages neither overlap nor leave anybody out.
            orderBy: [{ [field]: direction }, { id: direction }],
          });

          /** Whoever the cursor names is skipped, unless the filter no longer lets them into the list. */
          async function countToSkip(id: unknown): Promise<number> {
            if (typeof id !== 'string' || !isUuid(id)) throw foreignCursor(page);
            const { tenant } = context.prisma;
            if (!(await tenant.findUnique({ where: { id }, select: { id: true } })))
              throw foreignCursor(page);
            return tenant.count({ where: { AND: [where, { id }] } });
          }
        },
      },
      {
        name: 'TenantConnection',
        description: 'A page of tenants.',
        fields: (t) => ({
          totalCount: t.int({
            description: 'How many tenants there are on all pages together.',
            resolve: async ({ args }, _args, context) =>
              context.prisma.tenant.count({ where: await selectTenants(context, args.filter ?? {}) }),
          }),
        }),
      },
      { name: 'TenantEdge', description: 'A tenant in a page.' },
    ),
  ),
);

async function selectTenants(
  { prisma }: GraphqlContext,
  { config, ...filter }: typeof TenantFilter.$inferInput,
): Promise<Prisma.TenantWhereInput> {
  const where = tenantsMatching(filter);
  if (config === undefined || config === null) return where;
  return { ...where, id: { in: await listTenantsConfigured(prisma, config) } };
}
