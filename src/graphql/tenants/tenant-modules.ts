import { builder } from '../builder.js';
import { tenantOfRow } from '../fields/page.js';
import { ModuleSubscription } from '../modules/module-subscription.js';
import { Tenant } from './tenant.js';

const byModule = { orderBy: { moduleName: 'asc' } } as const;
const selectRoutes = { status: true, subscriptions: byModule } as const;

interface TenantWithSubscriptions {
  status: string;
  subscriptions: readonly { moduleName: string; schemaName: string; isolation: string; status: string }[];
}

/** The subscriptions that resolve at this moment. */
function routesOf({ status, subscriptions }: TenantWithSubscriptions) {
  return status === 'ACTIVE' ? subscriptions.filter((subscription) => subscription.status === 'ACTIVE') : [];
}

/** The schema of a module, as column `<module>_schema` of the view tenant_registry has it. */
const schemaOf = (module: string) =>
  ({
    nullable: true,
    description:
      `Schema of the ${module} data, exactly while it resolves; otherwise null, as it is for a tenant with a ` +
      'database of its own. `subscriptions` has all that exist.',
    select: selectRoutes,
    resolve: (tenant: TenantWithSubscriptions) =>
      routesOf(tenant).find(({ moduleName, isolation }) => moduleName === module && isolation === 'SCHEMA')
        ?.schemaName ?? null,
  }) as const;

builder.prismaObjectFields(ModuleSubscription, (t) => ({
  tenant: tenantOfRow(
    t.relation('tenant', {
      type: Tenant,
      description: 'The subscribed tenant. Scope: registry:read, or a member of the tenant.',
    }),
  ),
}));

builder.prismaObjectFields(Tenant, (t) => ({
  subscriptions: t.relation('subscriptions', {
    type: ModuleSubscription,
    query: byModule,
    description: 'Subscriptions of the tenant, cancelled ones included, ordered by module.',
  }),
  modulesSubscribed: t.field({
    type: ['ModuleName'],
    description: 'Names of the modules that resolve for the tenant at this moment, by name.',
    select: selectRoutes,
    resolve: (tenant) => routesOf(tenant).map(({ moduleName }) => moduleName),
  }),
  operationsSchema: t.string(schemaOf('operations')),
  financeSchema: t.string(schemaOf('finance')),
  inventorySchema: t.string(schemaOf('inventory')),
}));
