import { authorize } from '../../auth/permissions.js';
import type { CommandContext } from '../../registry/command.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import { requireTenantId } from '../../registry/tenants/tenant-record.js';
import { leaveOutDecided, readTime, recordFindings } from './drift/recorded-findings.js';
import type { ExaminationScope } from './examination-scope.js';
import { examine } from './examine.js';
import { type Finding, identityOf, type Observation } from './finding.js';
import { createReferences } from './structure/reference.js';

export interface DoctorOptions {
  /** Limits the examination to these modules; empty means all. */
  modules?: readonly string[];
  /** Limits the examination to one tenant, by id, slug or external id. */
  tenant?: string | undefined;
  /** Also compares the structure of each schema with what the files of its version make. Default: false. */
  structure?: boolean;
}

export interface Diagnosis {
  /** How many storages should exist and were examined, and of how many tenants. */
  storages: number;
  tenants: number;
  /** Errors first, then warnings; without those that repairDrift has ignored or accepted. */
  findings: Finding[];
  /** How many findings were left out, because somebody has ignored or accepted them. */
  decided: number;
}

/**
 * Compares the registry with the catalogs of the service databases. Changes nothing: its sessions are read-only. The number of
 * statements grows with the number of databases, and for structures with portions of schemas. Throws MODULE_NOT_FOUND, TENANT_NOT_FOUND.
 */
export async function diagnose(context: CommandContext, options: DoctorOptions = {}): Promise<Diagnosis> {
  authorize(context.caller, 'readRegistry');
  const scope = await findScope(context, options);
  const since = await readTime(context.database);
  const first = await examine(context, scope);
  const { confirmed, seen } = await confirm(context, scope, first.observations);
  // Findings about structures are forgotten only by an examination that compares structures.
  if (scope.references) await recordFindings(context.database, confirmed, { ...scope, since, seen });
  const open = await leaveOutDecided(context.database, confirmed);
  const required = first.storages.filter(({ presence }) => presence === 'required');
  return {
    storages: required.length,
    tenants: new Set(required.map(({ tenantId }) => tenantId)).size,
    decided: confirmed.length - open.length,
    findings: open.map(({ asOf, content, ...finding }) => finding).sort(bySeverity),
  };
}

/**
 * Registry and service databases cannot be read in one snapshot. So a finding counts only when a second examination finds it
 * again with the same row versions: then the difference lasted, and was not a change under way. `seen` has what either has found.
 */
async function confirm(
  context: CommandContext,
  scope: ExaminationScope,
  observations: readonly Observation[],
): Promise<{ confirmed: Observation[]; seen: readonly Observation[] }> {
  if (observations.length === 0) return { confirmed: [], seen: [] };
  const suspects = new Set(observations.map(({ tenantId }) => tenantId));
  const second = await examine(context, {
    ...scope,
    hasTenant: (tenant) => scope.hasTenant(tenant) && suspects.has(tenant.tenantId),
  });
  const before = new Set(observations.map(identityOf));
  const confirmed = [
    ...second.observations.filter((observation) => before.has(identityOf(observation))),
    // A fault of the files, which the second examination may not have needed.
    ...observations.filter(({ code }) => code === 'STRUCTURE_NOT_COMPARED'),
  ];
  return {
    confirmed: [...new Map(confirmed.map((observation) => [identityOf(observation), observation])).values()],
    seen: [...observations, ...second.observations],
  };
}

async function findScope(
  { database, serviceDatabases }: CommandContext,
  { modules = [], tenant, structure = false }: DoctorOptions,
): Promise<ExaminationScope> {
  const known = await database.prisma.module.findMany({ where: { name: { in: [...modules] } } });
  for (const name of modules) if (!known.some((module) => module.name === name)) throw moduleNotFound(name);
  const hasModule = (name: string) => modules.length === 0 || modules.includes(name);
  const namesModules = modules.length > 0;
  const named = { modules: modules.length === 0 ? null : modules, hasModule, namesModules };
  const references = structure ? createReferences(serviceDatabases) : undefined;
  const skipped = new Set<string>();
  if (tenant === undefined)
    return { ...named, references, skipped, tenantId: null, hasTenant: () => true, isWhole: true };
  const id = await requireTenantId(database, tenant);
  return {
    ...named,
    references,
    skipped,
    tenantId: id,
    hasTenant: ({ tenantId }) => tenantId === id,
    isWhole: false,
  };
}

function bySeverity(one: Finding, other: Finding): number {
  const key = ({ severity, module, tenantSlug, code }: Finding) =>
    [severity, module ?? '', tenantSlug ?? '', code].join(' ');
  return key(one) < key(other) ? -1 : 1;
}
