import type { Caller } from '../auth/caller.js';
import { may } from '../auth/permissions.js';
import type { Tenant } from '../database/generated/prisma/client.js';
import { RegistryError } from '../errors.js';

type Taker = Pick<Tenant, 'id' | 'slug' | 'status'>;

/** The error for a slug in use. Only callers who may read the registry learn whose it is, and that a deleted tenant can come back. */
export function slugTaken(caller: Caller, slug: string, taker: Taker): RegistryError {
  const whose = may(caller, 'readRegistry') ? describe(taker) : ': choose another slug';
  return taken('slug', `Slug "${slug}" is taken${whose}`);
}

/** The error for an id in use. */
export function idTaken(caller: Caller, id: string, taker: Taker): RegistryError {
  const byTenant = may(caller, 'readRegistry') ? ` by tenant ${taker.slug}` : '';
  return taken('id', `Id ${id} is taken${byTenant}: choose another id`);
}

/** The error for a new attempt that names another id than the failed one, whose id may be in use elsewhere already. */
export function idFixed({ id, slug, status }: Taker): RegistryError {
  return taken(
    'id',
    `Tenant ${slug} is ${status.toLowerCase()} and keeps its id ${id}: give this id or none, or choose another slug`,
  );
}

function describe({ id, slug, status }: Taker): string {
  if (status === 'DELETED')
    return ` by tenant ${id}, which is deleted: restore it with restoreTenant (tenant restore ${slug}), or choose another slug`;
  return ` by tenant ${id}${status === 'PURGED' ? ', which is purged, and stays taken' : ''}: choose another slug`;
}

function taken(field: string, message: string): RegistryError {
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}
