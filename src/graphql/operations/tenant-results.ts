import { queryFromInfo } from '@pothos/plugin-prisma';
import { may } from '../../auth/permissions.js';
import type { TenantResult } from '../../provisioning/operations/reads/tenant-results.js';
import { readCursor, writeCursor } from '../../registry/lists/list-cursor.js';
import { builder } from '../builder.js';
import { ErrorCodeType, readErrorCode } from '../fields/error-code.js';
import { foreignCursor, forward, readPageSize } from '../fields/page.js';
import { Tenant } from '../tenants/tenant.js';
import { Operation, OperationStatusType } from './operation.js';

const OperationTenantResult = builder.objectRef<TenantResult>('OperationTenantResult').implement({
  description: 'The result of one tenant in an operation on many tenants.',
  fields: (t) => ({
    reference: t.exposeString('reference', {
      description:
        'Id, slug or external id of the tenant as in the request; the slug when a filter selected it.',
    }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'Id of the tenant; null when the reference belongs to no tenant.',
    }),
    tenant: t.prismaField({
      type: Tenant,
      nullable: true,
      description: 'The tenant now; null when the reference belongs to no tenant.',
      resolve: (query, { tenantId }, _args, context) =>
        tenantId === null ? null : context.prisma.tenant.findUnique({ ...query, where: { id: tenantId } }),
    }),
    status: t.expose('status', {
      type: OperationStatusType,
      description:
        'Status of the tenant: QUEUED, RUNNING (it was changed and gateways have to acknowledge it, or `operation` is at work), ' +
        'SUCCEEDED, FAILED or CANCELLED.',
    }),
    code: t.field({
      type: ErrorCodeType,
      nullable: true,
      description:
        'Code of the error of a FAILED tenant, the same as of the mutation for one tenant; TENANT_NOT_READY when ' +
        '`operation` has failed, null for an unexpected error or a code that this version does not know.',
      resolve: ({ code }) => readErrorCode(code),
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Why the tenant was not changed; null for other statuses than FAILED and CANCELLED.',
    }),
    operation: t.field({
      type: Operation,
      nullable: true,
      description: 'The operation that makes the storage of the tenant; null when none does.',
      resolve: ({ child }, _args, context, info) => {
        // The row has its steps, so Pothos does not read it again.
        queryFromInfo({ context, info });
        return child;
      },
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the tenant got its result.',
    }),
  }),
});

const OperationTenantResultFilter = builder.inputType('OperationTenantResultFilter', {
  description: 'Conditions on the results of an operation on many tenants.',
  fields: (t) => ({
    statuses: t.field({ type: [OperationStatusType], description: 'Only results in one of these statuses.' }),
  }),
});

const TenantResultConnection = builder.connectionObject(
  {
    type: OperationTenantResult,
    name: 'OperationTenantResultConnection',
    description: 'A page of the results of an operation on many tenants.',
  },
  { name: 'OperationTenantResultEdge', description: 'The result of a tenant with its cursor.' },
);

const inSelection = { list: 'tenantResults', field: 'position' } as const;

builder.prismaObjectFields(Operation, (t) => ({
  tenantResults: t.field({
    type: TenantResultConnection,
    nullable: true,
    description:
      'Results of an operation on many tenants, in the order of the selection; empty for an operation on one tenant, and null for ' +
      'callers without the scope registry:read. Errors: VALIDATION_ERROR.',
    args: {
      first: t.arg.int(forward.first),
      after: t.arg.string(forward.after),
      filter: t.arg({
        type: OperationTenantResultFilter,
        description: 'Conditions on the results. Default: none.',
      }),
    },
    select: { id: true, tenantsTotal: true },
    resolve: async ({ id, tenantsTotal }, { filter, ...page }, context) => {
      const isOfMany = tenantsTotal !== null;
      if (isOfMany && !may(context.caller, 'readRegistry')) return null;
      const { size } = readPageSize(page);
      const after = page.after == null ? -1 : readPosition(page.after, id);
      const statuses = filter?.statuses ?? undefined;
      const found = isOfMany
        ? await context.tenantResults.load({ operationId: id, statuses, limit: size + 1, after })
        : [];
      const edges = found.slice(0, size).map((node) => ({
        cursor: writeCursor(inSelection, { value: String(node.position), id }),
        node,
      }));
      return {
        edges,
        pageInfo: {
          hasNextPage: found.length > size,
          hasPreviousPage: after >= 0,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        },
      };
    },
  }),
}));

/** Throws VALIDATION_ERROR. */
function readPosition(after: string, operationId: string): number {
  const { value, id } = readCursor(after, inSelection, 'after');
  if (id !== operationId || !/^\d{1,9}$/.test(value)) throw foreignCursor({});
  return Number(value);
}
