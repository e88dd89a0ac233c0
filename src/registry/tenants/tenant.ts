import type { Caller } from '../../auth/caller.js';
import { type Action, authorizeInTenant, may, mayInTenant } from '../../auth/permissions.js';
import type { Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { isExternalId, isTenantReference } from '../external-id.js';
import { tenantNotFound } from '../resolution/route.js';
import { isSlug, isUuid } from '../slug.js';
import { readTenantRow } from './tenant-row.js';

type TenantWhere = { id: string } | { slug: string };

/** Returns the `where` for a tenant given by id or slug; undefined for a text that is neither. */
function tenantWhere(reference: string): TenantWhere | undefined {
  if (isUuid(reference)) return { id: reference.toLowerCase() };
  return isSlug(reference) ? { slug: reference } : undefined;
}

/**
 * Finds a tenant by its id, slug or external id, with a query of the caller. Ids and slugs cost that query alone: an external id is
 * looked up when there is no such slug.
 */
export async function findByReference<T>(
  rows: Pick<Transaction, 'tenantExternalId'>,
  reference: string,
  find: (where: TenantWhere) => Promise<T | null>,
): Promise<T | null> {
  const where = tenantWhere(reference);
  const found = where ? await find(where) : null;
  if (found !== null || isUuid(reference) || !isExternalId(reference)) return found;
  const named = await findNamed(rows, reference);
  return named && find({ id: named.tenantId });
}

/**
 * Returns the tenant and locks it until the command ends. Every command on a tenant takes this lock first, so that
 * commands on one tenant queue up instead of deadlocking. Throws TENANT_NOT_FOUND, VERSION_CONFLICT.
 */
export async function requireTenant(
  tx: Transaction,
  reference: string,
  expectedVersion?: number | undefined,
): Promise<Tenant> {
  if (!isTenantReference(reference)) throw tenantNotFound(reference);
  const lock = async (text: string, value: string) =>
    (await tx.send({ text, values: [value], isFrequent: true }))[0]?.rows[0];
  const row = isUuid(reference)
    ? await lock('SELECT * FROM tenants WHERE id = $1 FOR UPDATE', reference.toLowerCase())
    : (isSlug(reference) && (await lock('SELECT * FROM tenants WHERE slug = $1 FOR UPDATE', reference))) ||
      (await lock(lockByExternalId, reference));
  const tenant = requireFound(row && readTenantRow(row), reference);
  requireVersion(`Tenant ${tenant.slug}`, tenant.version, expectedVersion);
  return tenant;
}

const lockByExternalId = `
  SELECT tenants.* FROM tenants JOIN tenant_external_ids AS named ON named.tenant_id = tenants.id
  WHERE named.external_id = $1 AND named.status = 'active' FOR UPDATE OF tenants`;

/**
 * Locks those of the tenants that no other session has locked, until the end of the transaction. It waits for nobody, so it cannot
 * deadlock with sessions that lock them in another order.
 */
export async function lockUnlocked(tx: Transaction, ids: readonly string[]): Promise<Tenant[]> {
  const [locked] = await tx.send({
    text: 'SELECT * FROM tenants WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED',
    values: [ids],
    isFrequent: true,
  });
  return (locked?.rows ?? []).map(readTenantRow);
}

/** Throws TENANT_NOT_FOUND for no tenant and for one that is purged. */
export function requireFound(tenant: Tenant | undefined, reference: string): Tenant {
  if (!tenant || tenant.status === 'PURGED') throw tenantNotFound(reference);
  return tenant;
}

/**
 * Checks callers without the scope: members may have the permission for this tenant. Throws as authorizeInTenant does.
 */
export async function authorizeByTenant(
  tx: Pick<Transaction, 'tenant' | 'tenantExternalId'>,
  caller: Caller,
  action: Action,
  reference: string,
): Promise<void> {
  if (may(caller, action)) return;
  await findPermitted(tx, { caller, action, reference }, (where) =>
    tx.tenant.findUnique({ where, select: { id: true } }),
  );
}

/**
 * Finds a tenant as findByReference, for a caller who may see it. Throws as authorizeInTenant does, after the same statements for a tenant
 * of others as for none: members of others do not learn from the time of the answer which tenants exist.
 */
export async function findPermitted<T extends { id: string }>(
  rows: Pick<Transaction, 'tenantExternalId'>,
  { caller, action, reference }: { caller: Caller; action: Action; reference: string },
  find: (where: TenantWhere) => Promise<T | null>,
): Promise<T | null> {
  if (isUuid(reference)) {
    const id = reference.toLowerCase();
    authorizeInTenant(caller, action, id);
    return find({ id });
  }
  const bySlug = isSlug(reference) ? await find({ slug: reference }) : null;
  if (bySlug && mayInTenant(caller, action, bySlug.id)) return bySlug;
  const named = isExternalId(reference) ? await findNamed(rows, reference) : null;
  authorizeInTenant(caller, action, bySlug?.id ?? named?.tenantId);
  return named && find({ id: named.tenantId });
}

function findNamed({ tenantExternalId }: Pick<Transaction, 'tenantExternalId'>, externalId: string) {
  const where = { externalId, status: 'ACTIVE' } as const;
  return tenantExternalId.findUnique({ where, select: { tenantId: true } });
}

export function requireVersion(subject: string, version: number, expected: number | undefined): void {
  if (expected === undefined || expected === version) return;
  throw new RegistryError(
    'VERSION_CONFLICT',
    `${subject} is at version ${version}, not ${expected}: read it again, then repeat the change`,
  );
}

/** Throws the same refusal as resolution when the tenant is not active. */
export function requireActive(tenant: Pick<Tenant, 'slug' | 'status'>): void {
  if (tenant.status === 'ACTIVE') return;
  const subject = `Tenant ${tenant.slug} is ${tenant.status.toLowerCase()}`;
  if (tenant.status === 'DELETED') throw new RegistryError('TENANT_DELETED', `${subject}: restore it first`);
  if (tenant.status === 'SUSPENDED')
    throw new RegistryError('TENANT_SUSPENDED', `${subject}: resume it first`);
  throw new RegistryError('TENANT_NOT_READY', `${subject}: provision it first`, { isLasting: true });
}

/** The error for a change that the tenant's status does not allow. */
export function wrongStatus(tenant: Pick<Tenant, 'slug' | 'status'>, verb: string): RegistryError {
  return new RegistryError(
    tenant.status === 'DELETED' ? 'TENANT_DELETED' : 'CONFLICT',
    `Tenant ${tenant.slug} is ${tenant.status.toLowerCase()} and can't be ${verb}`,
  );
}

/** Throws CONFLICT; a trigger refuses the same to other writers. */
export function requireUnprotected(
  { slug, isProtected }: Pick<Tenant, 'slug' | 'isProtected'>,
  verb: 'deleted' | 'purged',
): void {
  if (!isProtected) return;
  throw new RegistryError(
    'CONFLICT',
    `Tenant ${slug} is protected and can't be ${verb}: clear isProtected with updateTenant first`,
  );
}

/** Throws OPERATION_IN_PROGRESS while the tenant is being provisioned: changes of its status have to wait. */
export function requireNoOperation(tenant: Pick<Tenant, 'slug' | 'status'>): void {
  if (tenant.status !== 'PROVISIONING') return;
  throw new RegistryError(
    'OPERATION_IN_PROGRESS',
    `Tenant ${tenant.slug} is being provisioned: wait for the end of that operation`,
  );
}
