import { formatPrismaCursor, parsePrismaCursor } from '@pothos/plugin-prisma';
import { z } from 'zod';
import {
  type ChangeFilter,
  type ChangePosition,
  type LoggedChange,
  listChanges,
} from '../../registry/log/change-log.js';
import { formatRevision } from '../../registry/revision.js';
import { requireTenantId } from '../../registry/tenants/tenant-record.js';
import { builder } from '../builder.js';
import { authorized, foreignCursor, forward, readPageSize, requireOneEnd } from '../fields/page.js';
import { Tenant } from '../tenants/tenant.js';
import { auditEventKind } from './audit-event-kind.js';
import { AuditLogFilter, readFilter, selectKinds } from './audit-log-filter.js';

const AuditLogEntry = builder.prismaObject('RegistryChange', {
  name: 'AuditLogEntry',
  description:
    'A changed row of the registry. The log is append-only; each entry contains the hash of the entry before it.',
  fields: (t) => ({
    revision: t.field({
      type: 'Revision',
      description:
        'The revision that contains the change; all entries of one transaction have the same one. Pass it as ' +
        '`minRevision` to get an answer at least that new.',
      // Entries come only from listChanges and the loader of a tenant's changes, which read the epoch with the columns.
      resolve: (entry) => formatRevision({ epoch: (entry as LoggedChange).epoch, number: entry.revision }),
    }),
    position: t.exposeInt('position', { description: 'Position of the entry within its revision, from 0.' }),
    kind: t.field({
      type: auditEventKind.type,
      description: 'Kind of change; OTHER when this version of the gateway does not know it.',
      resolve: ({ kind }) => auditEventKind.read(kind),
    }),
    kindText: t.exposeString('kind', {
      description:
        'Name of the kind, in the past tense: `tenant.suspended`, `subscription.activated`, `settings.updated`.',
    }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'Id of the tenant that the change affects; null for modules and API keys.',
    }),
    tenantSlug: t.exposeString('tenantSlug', {
      nullable: true,
      description: 'Slug of the tenant that the change affects.',
    }),
    module: t.expose('moduleName', {
      type: 'ModuleName',
      nullable: true,
      description: 'Name of the module that the change affects.',
    }),
    entityId: t.exposeString('entityId', { description: 'Id of the changed row.' }),
    actor: t.exposeString('actor', {
      description:
        'Author of the change: `api-key:<id>`, `operator:<user>`, `developer`, `gateway`, or `role:<role>` ' +
        'for a change by SQL.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description:
        'Id of the request that made the change, as in the header X-Request-ID of its answer; null for changes by the command ' +
        'line, by SQL or by the gateway itself.',
    }),
    before: t.expose('before', {
      type: 'JSON',
      nullable: true,
      description:
        'Changed fields with their previous values; null for a new row. Personal data appears as keyed hashes.',
    }),
    after: t.expose('after', {
      type: 'JSON',
      nullable: true,
      description:
        'Changed fields with their new values; null for a deleted row. Personal data appears as keyed hashes.',
    }),
    changedAt: t.expose('changedAt', { type: 'DateTime', description: 'When the change was made.' }),
    hash: t.string({
      description: 'SHA-256, in hexadecimal, of this entry together with the hash of the entry before it.',
      resolve: ({ hash }) => Buffer.from(hash).toString('hex'),
    }),
  }),
});

const AuditLogConnection = builder.connectionObject(
  { type: AuditLogEntry, name: 'AuditLogConnection', description: 'A page of the audit log.' },
  { name: 'AuditLogEdge', description: 'An entry of the audit log with its cursor.' },
);

builder.queryField('auditLog', (t) =>
  authorized(
    'readAuditLog',
    t.prismaConnection(
      {
        type: AuditLogEntry,
        cursor: 'revision_position',
        description:
          'All changes of the registry, newest first. Scope: audit:read. Errors: TENANT_NOT_FOUND, VALIDATION_ERROR.',
        args: {
          tenantId: t.arg.id({
            description: 'Only entries of this tenant (UUID, slug or external id). Default: all entries.',
          }),
          filter: t.arg({ type: AuditLogFilter, description: 'Conditions on the entries. Default: none.' }),
        },
        resolve: async ({ cursor, take }, _root, args, context) => {
          const { tenantId, filter: conditions, ...page } = args;
          requireOneEnd(page);
          const { database } = context.commands;
          const { kind, kindText, ...conditionsOnRows } = readFilter(conditions);
          const [ofTenant, kinds] = await Promise.all([
            tenantId == null ? undefined : requireTenantId(database, tenantId),
            selectKinds(database, { kind, kindText }),
          ]);
          const filter: ChangeFilter = { ...conditionsOnRows, tenantId: ofTenant, kinds };
          const found = await listChanges(database, filter, { from: cursor?.revision_position, take });
          if (!found) throw foreignCursor(page);
          return found;
        },
      },
      AuditLogConnection,
    ),
  ),
);

builder.prismaObjectFields(Tenant, (t) => ({
  auditLog: authorized(
    'readAuditLog',
    t.field({
      type: AuditLogConnection,
      description: 'Changes of the tenant, newest first. Scope: audit:read. Errors: VALIDATION_ERROR.',
      args: { first: t.arg.int(forward.first), after: t.arg.string(forward.after) },
      select: { id: true },
      resolve: async ({ id }, page, { tenantChanges }) => {
        const { size } = readPageSize(page);
        const after = page.after == null ? undefined : readPosition(page.after);
        const found = await tenantChanges.load({ tenantId: id, limit: size + 1, after });
        const edges = found.slice(0, size).map((node) => ({ cursor: writePosition(node), node }));
        return {
          edges,
          pageInfo: {
            hasNextPage: found.length > size,
            hasPreviousPage: after !== undefined,
            startCursor: edges[0]?.cursor ?? null,
            endCursor: edges.at(-1)?.cursor ?? null,
          },
        };
      },
    }),
  ),
}));

/** The cursor that Pothos writes for the same entry in Query.auditLog. */
function writePosition({ revision, position }: ChangePosition): string {
  return formatPrismaCursor({ revision, position }, ['revision', 'position']);
}

/** Throws VALIDATION_ERROR. */
function readPosition(after: string): ChangePosition {
  let position: unknown;
  try {
    position = parsePrismaCursor(after);
  } catch {
    throw foreignCursor({});
  }
  const { data } = Position.safeParse(position);
  if (!data) throw foreignCursor({});
  return { revision: data[0], position: data[1] };
}

const Position = z.tuple([
  z.bigint().min(0n).max(9_223_372_036_854_775_807n),
  z.int().min(0).max(2_147_483_647),
]);
