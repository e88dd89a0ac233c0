import { queryFromInfo } from '@pothos/plugin-prisma';
import { authorize, authorizeInTenant, may } from '../../auth/permissions.js';
import {
  listOperationPositions,
  loadOperations,
  readOperationSelection,
} from '../../provisioning/operations/reads/operation-pages.js';
import { requireTenantId } from '../../registry/tenants/tenant-record.js';
import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { OrderDirection } from '../fields/order-direction.js';
import { forward, tenantOfRow } from '../fields/page.js';
import { Tenant } from '../tenants/tenant.js';
import { Operation, OperationKindType, OperationStatusType } from './operation.js';

builder.prismaObjectFields(Operation, (t) => ({
  tenant: tenantOfRow(
    t.relation('tenant', {
      type: Tenant,
      nullable: true,
      description:
        'Tenant that the operation is about; null when it is about none. Scope: registry:read, or a member of the tenant.',
    }),
  ),
}));

const OperationFilter = builder.inputType('OperationFilter', {
  description: 'Conditions on operations; an operation must meet all of them.',
  fields: (t) => ({
    status: t.field({
      type: [OperationStatusType],
      description: 'Only operations in one of these statuses.',
    }),
    kind: t.field({ type: [OperationKindType], description: 'Only operations of these kinds.' }),
    tenant: t.id({
      description:
        'Only operations of this tenant (UUID, slug or external id), and those on many tenants that include it.',
    }),
    module: t.field({
      type: 'ModuleName',
      description: 'Only operations with a step on the storage of this module.',
    }),
    needsAttention: t.boolean({
      description:
        'True: only operations in status NEEDS_ATTENTION. False: only operations in other statuses.',
    }),
    since: t.field({
      type: 'DateTime',
      description: 'Only operations that were requested at or after this time.',
    }),
  }),
});

const OperationOrderField = builder.enumType('OperationOrderField', {
  description: 'Field by which operations are ordered.',
  values: { CREATED_AT: { value: 'createdAt', description: 'By time of the request.' } } as const,
});

const OperationOrder = builder.inputType('OperationOrder', {
  description: 'Order of a list of operations.',
  fields: (t) => ({
    field: t.field({
      type: OperationOrderField,
      required: true,
      description: 'Field that gives the order.',
    }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'desc',
      description: 'Direction of the order of operations.',
    }),
  }),
});

const OperationConnection = builder.connectionObject(
  { type: Operation, name: 'OperationConnection', description: 'A page of operations.' },
  { name: 'OperationEdge', description: 'An operation with its cursor.' },
);

builder.queryField('operations', (t) =>
  t.connection(
    {
      type: Operation,
      description:
        'Operations, updates of guards included, newest first by default. Scope: registry:read. Errors: ' +
        'TENANT_NOT_FOUND, VALIDATION_ERROR.',
      args: {
        filter: t.arg({ type: OperationFilter, description: 'Conditions on the operations. Default: none.' }),
        orderBy: t.arg({
          type: OperationOrder,
          description: 'Order of the operations. Default: newest first.',
        }),
      },
      resolve: async (_root, { filter, orderBy, ...page }, context, info) => {
        authorize(context.caller, 'readRegistry');
        const { database } = context.commands;
        const { tenant, ...conditions } = filter ?? {};
        const requested = readPage(page, {
          ...{ list: 'operations', field: 'createdAt' },
          isDescending: orderBy?.direction !== 'asc',
        });
        const tenantId = tenant == null ? undefined : await requireTenantId(database, tenant);
        const selection = readOperationSelection(conditions, tenantId);
        const selected = queryFromInfo({ context, info, path: ['edges', 'node'] });
        return new KeysetPage(requested, {
          list: (listed) => listOperationPositions(database, selection, listed),
          load: (ids) => loadOperations(database, ids, selected),
        });
      },
    },
    OperationConnection,
  ),
);

const newestFirst = { list: 'operations', field: 'createdAt', isDescending: true } as const;

builder.prismaObjectFields(Tenant, (t) => ({
  operations: t.field({
    type: OperationConnection,
    description:
      'Operations of the tenant, newest first; with registry:read also those on many tenants that include it. Scope: ' +
      'registry:read, or a member of the tenant. Errors: VALIDATION_ERROR.',
    args: { first: t.arg.int(forward.first), after: t.arg.string(forward.after) },
    select: { id: true },
    resolve: async ({ id }, page, context, info) => {
      authorizeInTenant(context.caller, 'readTenant', id);
      // The rows have their steps, so Pothos does not read them again.
      queryFromInfo({ context, info, path: ['edges', 'node'] });
      const requested = readPage(page, newestFirst);
      const { size, after } = requested;
      // A member of the tenant does not learn what is done to others.
      const includesBulk = may(context.caller, 'readRegistry');
      return new KeysetPage(requested, {
        list: () => context.tenantOperations.load({ tenantId: id, limit: size + 1, after, includesBulk }),
      });
    },
  }),
}));
