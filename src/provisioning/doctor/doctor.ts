import { authorize } from '../../auth/permissions.js';
import type { CommandContext } from '../../registry/command.js';
import { moduleNotFound, tenantNotFound } from '../../registry/resolution/route.js';
import { tenantWhere } from '../../registry/tenant.js';
import type { ExaminationScope } from './examination-scope.js';
import { examine } from './examine.js';
import { type Finding, identityOf, type Observation } from './finding.js';

export interface DoctorOptions {
  /** Limits the examination to these modules; empty means all. */
  modules?: readonly string[];
  /** Limits the examination to one tenant, by id or slug. */
  tenant?: string | undefined;
}

export interface Diagnosis {
  /** How many storages should exist and were examined, and of how many tenants. */
  storages: number;
  tenants: number;
  /** Errors first, then warnings. */
  findings: Finding[];
}

/**
 * Compares the registry with the catalogs of the service databases. Changes nothing: its sessions are read-only. The number of
 * statements grows with the number of databases, not of schemas. Throws MODULE_NOT_FOUND, TENANT_NOT_FOUND.
 */
export async function diagnose(context: CommandContext, options: DoctorOptions = {}): Promise<Diagnosis> {
  authorize(context.caller, 'readRegistry');
  const scope = await findScope(context, options);
  const first = await examine(context, scope);
  const confirmed = await confirm(context, scope, first.observations);
  const required = first.storages.filter(({ presence }) => presence === 'required');
  return {
    storages: required.length,
    tenants: new Set(required.map(({ tenantId }) => tenantId)).size,
    findings: confirmed.map(({ asOf, ...finding }) => finding).sort(bySeverity),
  };
}

/**
 * Registry and service databases cannot be read in one snapshot. So a finding counts only when a second examination finds it
 * again with the same row versions: then the difference lasted, and was not a change under way.
 */
async function confirm(
  context: CommandContext,
  scope: ExaminationScope,
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
): Promise<ExaminationScope> {
  const known = await database.prisma.module.findMany({ where: { name: { in: [...modules] } } });
  for (const name of modules) if (!known.some((module) => module.name === name)) throw moduleNotFound(name);
  const hasModule = (name: string) => modules.length === 0 || modules.includes(name);
  const namesModules = modules.length > 0;
  if (tenant === undefined) return { hasModule, namesModules, hasTenant: () => true, isWhole: true };
  const where = tenantWhere(tenant);
  const found = where && (await database.prisma.tenant.findUnique({ where }));
  if (!found) throw tenantNotFound(tenant);
  return { hasModule, namesModules, hasTenant: ({ tenantId }) => tenantId === found.id, isWhole: false };
}

function bySeverity(one: Finding, other: Finding): number {
  const key = ({ severity, module, tenantSlug, code }: Finding) =>
    [severity, module ?? '', tenantSlug ?? '', code].join(' ');
  return key(one) < key(other) ? -1 : 1;
}
