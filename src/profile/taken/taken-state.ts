import type { ExternalIdStatus, Member } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase, Transaction } from '../../database/registry-database.js';
import type { StoredTenant } from '../tenant-import.js';
import { readMemory, type TakenMemory } from './taken-memory.js';

/** A registered tenant with everything that an import compares. */
export interface TakenState {
  tenant: StoredTenant;
  members: Pick<Member, 'email' | 'fullName' | 'role' | 'status' | 'subject' | 'version'>[];
  /** Removed ones included: an import does not give them back. */
  externalIds: { externalId: string; status: ExternalIdStatus }[];
  /** undefined for a tenant that no import with a memory has taken over. */
  memory: TakenMemory | undefined;
}

/** How many tenants are loaded with one statement per table. */
const pageSize = 5_000;

/** Loads tenants with their profiles, by id. */
export async function loadTakenStates(
  { prisma }: { prisma: RegistryDatabase['prisma'] | Transaction },
  ids: readonly string[],
): Promise<Map<string, TakenState>> {
  const states = new Map<string, TakenState>();
  for (let at = 0; at < ids.length; at += pageSize) {
    const page = { in: ids.slice(at, at + pageSize) };
    const where = { tenantId: page };
    const [tenants, members, externalIds, memories] = await Promise.all([
      prisma.tenant.findMany({ where: { id: page }, include: { settings: true, branding: true } }),
      prisma.member.findMany({
        where,
        select: {
          ...{ tenantId: true, email: true, fullName: true, role: true, status: true, subject: true },
          version: true,
        },
      }),
      prisma.tenantExternalId.findMany({ where, select: { tenantId: true, externalId: true, status: true } }),
      prisma.takeover.findMany({ where, select: { tenantId: true, memory: true } }),
    ]);
    const memoryOf = new Map(memories.map(({ tenantId, memory }) => [tenantId, readMemory(memory)]));
    for (const tenant of tenants)
      states.set(tenant.id, { tenant, members: [], externalIds: [], memory: memoryOf.get(tenant.id) });
    for (const { tenantId, ...member } of members) states.get(tenantId)?.members.push(member);
    for (const { tenantId, ...id } of externalIds) states.get(tenantId)?.externalIds.push(id);
  }
  return states;
}

/** Finds the tenants of external ids, removed ids included: no other tenant can have them. */
export async function findExternalIds({
  prisma,
}: Pick<RegistryDatabase, 'prisma'>): Promise<Map<string, string>> {
  const rows = await prisma.tenantExternalId.findMany({ select: { externalId: true, tenantId: true } });
  return new Map(rows.map(({ externalId, tenantId }) => [externalId, tenantId]));
}

/** Of these tenants, those that an import has taken over. */
export async function findRemembered(
  { query }: Pick<RegistryDatabase, 'query'>,
  ids: readonly string[],
): Promise<string[]> {
  const { rows } = await query('SELECT tenant_id FROM takeovers WHERE tenant_id = ANY ($1::uuid[])', [
    [...ids],
  ]);
  return rows.map(({ tenant_id }): string => tenant_id);
}
