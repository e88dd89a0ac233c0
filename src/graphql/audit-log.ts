import { tenantNotFound } from '../registry/route.js';
import { tenantWhere } from '../registry/tenant.js';
import { builder } from './builder.js';
import { authorized, foreignCursor, requireOneEnd } from './page.js';

const AuditLogEntry = builder.prismaObject('RegistryChange', {
  name: 'AuditLogEntry',
  description:
    'One changed row of the registry. The log is append-only and each entry holds the hash of the one before.',
  fields: (t) => ({
    revision: t.string({
      description: 'Number of the change’s revision; all entries of one transaction have the same.',
      select: { revision: true },
      resolve: ({ revision }) => revision.toString(),
    }),
    position: t.exposeInt('position', { description: 'Place within its revision, from 0.' }),
    kind: t.exposeString('kind', {
      description:
        'What happened, in the past tense: `tenant.suspended`, `subscription.activated`, `settings.updated`.',
    }),
    tenantId: t.exposeID('tenantId', {
      nullable: true,
      description: 'The tenant it is about; null for modules and keys.',
    }),
    tenantSlug: t.exposeString('tenantSlug', { nullable: true, description: 'Slug of that tenant.' }),
    module: t.expose('moduleName', {
      type: 'ModuleName',
      nullable: true,
      description: 'The module it is about.',
    }),
    entityId: t.exposeString('entityId', { description: 'Id of the changed row.' }),
    actor: t.exposeString('actor', {
      description:
        'Who did it: `api-key:<id>`, `operator:<user>`, `developer`, `gateway`, or `role:<role>` for SQL by hand.',
    }),
    before: t.expose('before', {
      type: 'JSON',
      nullable: true,
      description: 'What differed before; null for a new row. Personal data are keyed hashes.',
    }),
    after: t.expose('after', {
      type: 'JSON',
      nullable: true,
      description: 'What differs now; null for a removed row. Personal data are keyed hashes.',
    }),
    changedAt: t.expose('changedAt', { type: 'DateTime', description: 'When it happened.' }),
    hash: t.string({
      description: 'SHA-256, in hexadecimal, of this entry and the hash of the one before.',
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
        description: 'Every change, newest first. Scope: audit:read. Errors: TENANT_NOT_FOUND.',
        args: { tenantId: t.arg.id({ description: 'Only of this tenant (UUID or slug); default of all.' }) },
        resolve: async (query, _root, { tenantId, ...page }, context) => {
          requireOneEnd(page);
          const where = tenantId == null ? {} : { tenantId: await requireTenantId(tenantId) };
          if (query.cursor?.revision_position) await requireEntry(query.cursor.revision_position);
          return context.prisma.registryChange.findMany({
            ...query,
            where,
            orderBy: [{ revision: 'desc' }, { position: 'desc' }],
          });

          async function requireEntry({ revision, position }: { revision: unknown; position: unknown }) {
            if (typeof revision !== 'bigint' || !fits(revision, 64)) throw foreignCursor(page);
            if (!Number.isInteger(position) || !fits(BigInt(position as number), 32))
              throw foreignCursor(page);
            const entry = { revision, position: position as number };
            if ((await context.prisma.registryChange.count({ where: { AND: [where, entry] } })) === 0)
              throw foreignCursor(page);
          }

          async function requireTenantId(reference: string): Promise<string> {
            const where = tenantWhere(reference);
            const tenant = where && (await context.prisma.tenant.findUnique({ where, select: { id: true } }));
            if (!tenant) throw tenantNotFound(reference);
            return tenant.id;
          }
        },
      },
      { name: 'AuditLogConnection', description: 'A page of the audit log.' },
      { name: 'AuditLogEdge', description: 'An entry in a page.' },
    ),
  ),
);

/** Whether PostgreSQL has the number as an integer of that many bits. */
function fits(number: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, number) === number;
}
