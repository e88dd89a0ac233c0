import type { Caller } from '../auth/caller.js';
import { may } from '../auth/permissions.js';
import type { Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { RegistryError } from '../errors.js';
import { maxExternalIds } from './external-id.js';

type Owner = Pick<Tenant, 'id' | 'slug'>;

/** The tenant that will have the ids, who asks for it, and the field of the input that refusals name. */
interface Giving {
  caller: Caller;
  tenant: Owner;
  field: string;
}

/**
 * Gives a tenant external ids; those that it has already are no change. The tenant must be locked. Throws CONFLICT when one is a slug or
 * belongs to another tenant, and when the tenant would have too many; the loser of a race gets the same code from the database.
 */
export async function giveExternalIds(
  tx: Transaction,
  giving: Giving,
  externalIds: readonly string[],
): Promise<void> {
  const wanted = [...new Set(externalIds)];
  if (wanted.length === 0) return;
  const { tenant } = giving;
  const bySlug = await tx.tenant.findFirst({
    where: { slug: { in: wanted } },
    select: { id: true, slug: true },
  });
  if (bySlug) throw refuse(giving, `External id "${bySlug.slug}" is the slug`, bySlug);
  const known = await tx.tenantExternalId.findMany({
    where: { OR: [{ externalId: { in: wanted } }, { tenantId: tenant.id }] },
    include: { tenant: { select: { id: true, slug: true } } },
  });
  const foreign = known.find(({ tenantId }) => tenantId !== tenant.id);
  if (foreign) throw refuse(giving, `External id "${foreign.externalId}" belongs`, foreign.tenant);
  const had = new Map(known.map(({ externalId, status }) => [externalId, status]));
  const added = wanted.filter((externalId) => !had.has(externalId));
  if (had.size + added.length > maxExternalIds) throw tooMany(giving);
  const again = wanted.filter((externalId) => had.get(externalId) === 'REMOVED');
  if (again.length > 0)
    await tx.tenantExternalId.updateMany({
      where: { externalId: { in: again } },
      data: { status: 'ACTIVE' },
    });
  if (added.length > 0)
    await tx.tenantExternalId.createMany({
      data: added.map((externalId) => ({
        ...{ externalId, tenantId: tenant.id, createdBy: giving.caller.actor },
      })),
    });
}

/** Takes external ids from a tenant: they do not resolve any more, and stay with it. */
export async function takeExternalIds(
  tx: Transaction,
  { id: tenantId }: Owner,
  externalIds: { in: string[] } | { notIn: string[] },
): Promise<void> {
  await tx.tenantExternalId.updateMany({
    where: { tenantId, status: 'ACTIVE', externalId: externalIds },
    data: { status: 'REMOVED' },
  });
}

/** Only callers who may read the registry learn whose the id is. */
function refuse({ caller, tenant, field }: Giving, what: string, owner: Owner): RegistryError {
  const of = what.endsWith('slug') ? 'of' : 'to';
  const other = may(caller, 'readRegistry') ? `tenant ${owner.slug}` : 'another tenant';
  const message = `${what} ${of} ${owner.id === tenant.id ? 'this tenant, which resolves already' : `${other}: names stay with their tenant`}`;
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}

function tooMany({ tenant, field }: Giving): RegistryError {
  const message = `Tenant ${tenant.slug} can have at most ${maxExternalIds} external ids, removed ones included`;
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}
