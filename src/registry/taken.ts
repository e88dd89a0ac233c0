import type { Caller } from '../auth/caller.js';
import { may } from '../auth/permissions.js';
import type { Tenant } from '../database/generated/prisma/client.js';
import { RegistryError } from '../errors.js';

type Taker = Pick<Tenant, 'id' | 'slug' | 'status'>;

/** The error for a slug in use. Only callers who may read the registry learn whose it is, and that a deleted tenant can come back. */
export function slugTaken(caller: Caller, slug: string, taker: Taker): RegistryError {
  return taken('slug', `Slug "${slug}" is taken${may(caller, 'readRegistry') ? by(taker) : ''}`, 'slug');
}

/** The error for an id in use. */
export function idTaken(caller: Caller, id: string, taker: Taker): RegistryError {
  const byTenant = may(caller, 'readRegistry') ? ` by tenant ${taker.slug}` : '';
  return taken('id', `Id ${id} is taken${byTenant}`, 'id');
}

function by({ id, slug, status }: Taker): string {
  if (status === 'DELETED')
    return ` by tenant ${id}, which is deleted: restore it with restoreTenant (tenant restore ${slug})`;
  return ` by tenant ${id}${status === 'PURGED' ? ', which is purged, and stays taken' : ''}`;
}

function taken(field: string, what: string, noun: string): RegistryError {
  const message = `${what}${what.includes(': ') ? ', or' : ':'} choose another ${noun}`;
  return new RegistryError('CONFLICT', message, { fields: [{ field, message }] });
}
