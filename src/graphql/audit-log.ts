import { type ChangeFilter, findChange, type LoggedChange, listChanges } from '../registry/change-log.js';
import { formatRevision } from '../registry/revision.js';
import { tenantNotFound } from '../registry/route.js';
import { findTenantRecord } from '../registry/tenant-record.js';
import { auditEventKind } from './audit-event-kind.js';
import { AuditLogFilter, readFilter, selectKinds } from './audit-log-filter.js';
import { builder } from './builder.js';
import type { GraphqlContext } from './context.js';
import { authorized, foreignCursor, requireOneEnd } from './page.js';

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
      select: { revision: true },
      // Entries come only from listChanges, which adds the epoch to the columns.
      resolve: (entry) => formatRevision({ epoch: (entry as LoggedChange).epoch, number: entry.revision }),
    }),
    position: t.exposeInt('position', { description: 'Position of the entry within its revision, from 0.' }),
    kind: t.field({
      type: auditEventKind.type,
      description: 'Kind of change; OTHER when this version of the gateway does not know it.',
      select: { kind: true },
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
      select: { hash: true },
      resolve: ({ hash }) => Buffer.from(hash).toString('hex'),
    }),
  }),
});

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
            description: 'Only entries of this tenant (UUID or slug). Default: all entries.',
          }),
          filter: t.arg({ type: AuditLogFilter, description: 'Conditions on the entries. Default: none.' }),
        },
        resolve: async ({ cursor, take }, _root, args, context) => {
          const { tenantId, filter: conditions, ...page } = args;
          requireOneEnd(page);
          const { database } = context.commands;
          const { kind, kindText, ...conditionsOnRows } = readFilter(conditions);
          const filter: ChangeFilter = {
            ...conditionsOnRows,
            ...(tenantId != null && { tenantId: await requireTenantId(context, tenantId) }),
            kinds: await selectKinds(database, { kind, kindText }),
          };
          const position = cursor?.revision_position;
          const from = position ? await findChange(database, filter, position) : null;
          if (position && !from) throw foreignCursor(page);
          return listChanges(database, filter, { from, take });
        },
      },
      { name: 'AuditLogConnection', description: 'A page of the audit log.' },
      { name: 'AuditLogEdge', description: 'An entry of the audit log with its cursor.' },
    ),
  ),
);

async function requireTenantId(context: GraphqlContext, reference: string): Promise<string> {
  const tenant = await findTenantRecord(context, reference);
  if (!tenant) throw tenantNotFound(reference);
  return tenant.id;
}
