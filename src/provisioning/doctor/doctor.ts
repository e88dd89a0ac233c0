import { authorize } from '../../auth/permissions.js';
import type { CommandContext } from '../../registry/command.js';
import { moduleNotFound, tenantNotFound } from '../../registry/route.js';
import { tenantWhere } from '../../registry/tenant.js';
import { examine, type Scope } from './examine.js';
import { type Finding, identityOf, type Observation } from './finding.js';

/**
 * Compares what the registry says with what stands in the databases. It changes nothing: its sessions are read-only.
 * How many statements it sends depends on the number of databases, not of schemas.
 */

export interface DoctorOptions {
  /** Only these; empty: all. */
  modules?: readonly string[];
  /** Only this one, by id or slug. */
  tenant?: string | undefined;
}

export interface Diagnosis {
  /** How many storages should stand and were looked at, and of how many tenants. */
  storages: number;
  tenants: number;
  /** The worst first. */
  findings: Finding[];
}

/** Throws MODULE_NOT_FOUND and TENANT_NOT_FOUND for what is asked for and does not exist. */
export async function diagnose(context: CommandContext, options: DoctorOptions = {}): Promise<Diagnosis> {
  authorize(context.caller, 'readRegistry');
  const scope = await findScope(context, options);
  const first = await examine(context, scope);
  const confirmed = await confirm(context, scope, first.observations);
  const standing = first.storages.filter(({ presence }) => presence === 'standing');
  return {
    storages: standing.length,
    tenants: new Set(standing.map(({ tenantId }) => tenantId)).size,
    findings: confirmed.map(({ asOf, ...finding }) => finding).sort(inOrder),
  };
}

/**
 * Registry and databases can't be read in one moment. So a finding counts when a second look finds it again, and what it is
 * about has not changed between the two: then it was so all the time.
 */
async function confirm(
  context: CommandContext,
  scope: Scope,
  observations: readonly Observation[],
): Promise<Observation[]> {
  if (observations.length === 0) return [];
  const suspects = new Set(observations.map(({ tenantId }) => tenantId));
  const second = await examine(context, {
    ...scope,
    hasTenant: (tenant) => scope.hasTenant(tenant) && suspects.has(tenant.tenantId),
  });
  const before = new Set(observations.map(identityOf));
  const confirmed = second.observations.filter((observation) => before.has(identityOf(observation)));
  return [...new Map(confirmed.map((observation) => [identityOf(observation), observation])).values()];
}

async function findScope(
  { database }: CommandContext,
  { modules = [], tenant }: DoctorOptions,
): Promise<Scope> {
  const known = await database.prisma.module.findMany({ where: { name: { in: [...modules] } } });
  for (const name of modules) if (!known.some((module) => module.name === name)) throw moduleNotFound(name);
  const hasModule = (name: string) => modules.length === 0 || modules.includes(name);
  if (tenant === undefined) return { hasModule, hasTenant: () => true, isWhole: true };
  const where = tenantWhere(tenant);
  const found = where && (await database.prisma.tenant.findUnique({ where }));
  if (!found) throw tenantNotFound(tenant);
  return { hasModule, hasTenant: ({ tenantId }) => tenantId === found.id, isWhole: false };
}

function inOrder(one: Finding, other: Finding): number {
  const key = ({ severity, module, tenantSlug, code }: Finding) =>
    [severity, module ?? '', tenantSlug ?? '', code].join(' ');
  return key(one) < key(other) ? -1 : 1;
}
