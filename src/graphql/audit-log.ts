import type { Prisma, PrismaClient } from '../database/generated/prisma/client.js';
import { tenantNotFound } from '../registry/route.js';
import { tenantWhere } from '../registry/tenant.js';
import { AuditLogFilter, readFilter, spellOut } from './audit-log-filter.js';
import { builder } from './builder.js';
import { authorized, foreignCursor, requireOneEnd } from './page.js';

const AuditLogEntry = builder.prismaObject('RegistryChange', {
  name: 'AuditLogEntry',
  description:
    'A changed row of the registry. The log is append-only; each entry contains the hash of the entry before it.',
  fields: (t) => ({
    revision: t.string({
      description:
        'Number of the revision that made the change. All entries of one transaction have the same number.',
      select: { revision: true },
      resolve: ({ revision }) => revision.toString(),
    }),
    position: t.exposeInt('position', { description: 'Position of the entry within its revision, from 0.' }),
    kind: t.exposeString('kind', {
      description:
        'Kind of change, in the past tense: `tenant.suspended`, `subscription.activated`, `settings.updated`.',
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
        resolve: async (
          { cursor, skip, take, ...selected },
          _root,
          { tenantId, filter, ...page },
          { prisma },
        ) => {
          requireOneEnd(page);
          const { where: wanted, kinds } = readFilter(filter);
          const where = {
            ...wanted,
            ...(tenantId != null && { tenantId: await requireTenantId(prisma, tenantId) }),
          };
          const spelled = kinds && (await spellOut(prisma, kinds));
          const place = cursor?.revision_position;
          const from = place && (await findEntry(prisma, where, place));
          if (place && (!from || (spelled && !spelled.includes(from.kind)))) throw foreignCursor(page);

          const isBackward = take < 0;
          const direction = isBackward ? 'asc' : 'desc';
          const read = (kind?: string) =>
            prisma.registryChange.findMany({
              ...selected,
              where: {
                AND: [where, from ? beyond(from, isBackward) : {}, kind === undefined ? {} : { kind }],
              },
              orderBy: [{ revision: direction }, { position: direction }],
              take: Math.abs(take),
            });
          if (!spelled) return (await read()).sort(byNewest);
          // Kind by kind: of one kind the index has the entries in their order, of several it would have to sort them
          // all. In one snapshot, or an entry could be left out that was committed between two looks.
          const ofKinds = await prisma.$transaction(spelled.map(read), { isolationLevel: 'RepeatableRead' });
          const merged = ofKinds.flat().sort(byNewest);
          return isBackward ? merged.slice(take) : merged.slice(0, take);
        },
      },
      { name: 'AuditLogConnection', description: 'A page of the audit log.' },
      { name: 'AuditLogEdge', description: 'An entry of the audit log with its cursor.' },
    ),
  ),
);

interface Place {
  revision: bigint;
  position: number;
}

function byNewest(one: Place, other: Place): number {
  return Number(other.revision - one.revision) || other.position - one.position;
}

/** Prisma's own cursor would read everything that follows, however many there are. */
function beyond({ revision, position }: Place, isBackward: boolean): Prisma.RegistryChangeWhereInput {
  return isBackward
    ? { revision: { gte: revision }, OR: [{ revision: { gt: revision } }, { position: { gt: position } }] }
    : { revision: { lte: revision }, OR: [{ revision: { lt: revision } }, { position: { lt: position } }] };
}

/** The entry that a cursor names, if it is one of these; a cursor can hold anything. */
async function findEntry(
  prisma: PrismaClient,
  where: Prisma.RegistryChangeWhereInput,
  { revision, position }: { revision: unknown; position: unknown },
): Promise<(Place & { kind: string }) | null> {
  if (typeof revision !== 'bigint' || !fits(revision, 64)) return null;
  if (typeof position !== 'number' || !Number.isInteger(position) || !fits(BigInt(position), 32)) return null;
  return prisma.registryChange.findFirst({
    where: { AND: [where, { revision, position }] },
    select: { revision: true, position: true, kind: true },
  });
}

async function requireTenantId(prisma: PrismaClient, reference: string): Promise<string> {
  const where = tenantWhere(reference);
  const tenant = where && (await prisma.tenant.findUnique({ where, select: { id: true } }));
  if (!tenant) throw tenantNotFound(reference);
  return tenant.id;
}

/** Whether PostgreSQL has the number as an integer of that many bits. */
function fits(number: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, number) === number;
}
