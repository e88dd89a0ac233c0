import { authorize } from '../../../auth/permissions.js';
import type { Module } from '../../../database/generated/prisma/client.js';
import { RegistryError } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { requireUsableDatabase } from '../../../registry/modules/module.js';
import { moduleNotFound } from '../../../registry/resolution/route.js';
import { requireTenantId } from '../../../registry/tenants/tenant-record.js';
import type { FileProblem } from '../../storage/files/file-rules.js';
import { checkModuleFiles } from '../../storage/module-check.js';
import {
  findMissingFolder,
  type ModuleMigration,
  readModuleMigrations,
} from '../../storage/module-migrations.js';
import { type DescribedFile, describeStatements } from '../../storage/statement-risks.js';
import type { Decision } from '../tenants/storage-state.js';
import { judgeTenants } from './tenant-judgement.js';
import { listRegisteredTenants } from './tenant-versions.js';

/** Tenants that have the same newest file. */
interface PlannedVersion {
  /** Null: none of the module's files. */
  version: string | null;
  tenants: number;
  /** Files that they lack, in the order in which they would run. */
  pending: string[];
}

/** Tenants that a rollout would leave alone for the same reason. */
interface PlannedExclusion {
  status: 'BLOCKED' | 'SKIPPED';
  reason: string;
  tenants: number;
  /** Slugs of the first of them. */
  examples: string[];
}

/** Describes what startRollout would do now. Nothing is written. */
export interface RolloutPlan {
  module: string;
  targetVersion: string;
  /** Tenants with storage that rollouts migrate. */
  tenants: number;
  /** Tenants that would be migrated. */
  behind: number;
  /** Files that at least one tenant lacks, with their statements, locks and known risks. */
  pending: DescribedFile[];
  /** Problems of pending files, for which startRollout refuses. */
  problems: FileProblem[];
  versions: PlannedVersion[];
  excluded: PlannedExclusion[];
}

const namedExamples = 5;

/** The files of a module. Throws CONFLICT when its folder is missing, which is more often a mistake than a module without tables. */
export async function readPlannedFiles(
  { modulesDir }: CommandContext,
  module: Pick<Module, 'name' | 'migrationsFolder'>,
): Promise<ModuleMigration[]> {
  const missing = await findMissingFolder(modulesDir, module);
  if (missing) throw new RegistryError('CONFLICT', `${missing.problem} ${missing.remedy}`);
  return readModuleMigrations(modulesDir, module.migrationsFolder);
}

/** Plans a rollout of the module. Throws MODULE_NOT_FOUND, TENANT_NOT_READY, and CONFLICT without a folder of its files. */
export async function planRollout(context: CommandContext, moduleName: string): Promise<RolloutPlan> {
  authorize(context.caller, 'readRegistry');
  const module = await context.database.prisma.module.findUnique({ where: { name: moduleName } });
  if (!module) throw moduleNotFound(moduleName);
  requireUsableDatabase(context, module);
  const migrations = await readPlannedFiles(context, module);
  const versions = new Map<string, PlannedVersion>();
  const excluded = new Map<string, PlannedExclusion>();
  const judged = await judgeTenants(context, module, migrations, listRegisteredTenants(context, moduleName));
  // Tenants with the same files share a decision.
  const ofDecision = new Map<object, PlannedVersion>();
  for (const { slug, decision } of judged) {
    if (decision.kind === 'run') {
      const of = ofDecision.get(decision) ?? findVersion(versions, decision);
      ofDecision.set(decision, of);
      of.tenants++;
      continue;
    }
    const status = decision.kind === 'blocked' ? 'BLOCKED' : 'SKIPPED';
    const of = excluded.get(decision.group) ?? { status, reason: decision.reason, tenants: 0, examples: [] };
    of.tenants++;
    if (of.examples.length < namedExamples) of.examples.push(slug);
    excluded.set(decision.group, of);
  }
  const planned = [...versions.values()];
  const names = new Set(planned.flatMap(({ pending }) => pending));
  return {
    module: moduleName,
    targetVersion: migrations.at(-1)?.name ?? '',
    tenants: judged.length,
    behind: planned.reduce((sum, { tenants: count, pending }) => sum + (pending.length > 0 ? count : 0), 0),
    pending: await describeStatements(
      migrations.filter(({ name }) => names.has(name)),
      migrations.filter(({ name }) => !names.has(name)),
    ),
    problems: await findPendingProblems(context, module.migrationsFolder, names),
    versions: planned,
    excluded: [...excluded.values()],
  };
}

function findVersion(
  versions: Map<string, PlannedVersion>,
  { present, missing }: Extract<Decision, { kind: 'run' }>,
): PlannedVersion {
  const pending = missing.map(({ name }) => name);
  const key = JSON.stringify([present, pending]);
  const of = versions.get(key) ?? { version: present, tenants: 0, pending };
  versions.set(key, of);
  return of;
}

/** The problems of files that at least one tenant lacks: files that ran everywhere are no obstacle. */
export async function findPendingProblems(
  { modulesDir }: CommandContext,
  folder: string,
  pending: ReadonlySet<string>,
): Promise<FileProblem[]> {
  return (await checkModuleFiles(modulesDir, folder)).filter(({ file }) =>
    // A check or a verification belongs to its file.
    pending.has(file.replace(/\.(check|verify)\.sql$/, '.sql')),
  );
}

/** The refusal of a rollout whose files have problems. */
export function refuseFiles(module: string, problems: readonly FileProblem[]): RegistryError {
  const [first, ...more] = problems.map(({ file, line, problem, remedy }) =>
    [`${file}${line === null ? '' : `:${line}`}:`, problem, remedy].join(' '),
  );
  const others = more.length > 0 ? ` And ${more.length} more, which tenant-registry module check lists.` : '';
  return new RegistryError(
    'CONFLICT',
    `The files of module ${module} cannot be rolled out. ${first}${others}`,
  );
}

/**
 * The files that one tenant lacks, with their text, for `rollout plan --sql`. Throws MODULE_NOT_FOUND, TENANT_NOT_FOUND,
 * MODULE_NOT_SUBSCRIBED, TENANT_NOT_READY, and CONFLICT without a folder of the module's files.
 */
export async function listPendingFiles(
  context: CommandContext,
  { moduleName, tenant }: { moduleName: string; tenant: string },
): Promise<{ schemaName: string; version: string | null; files: ModuleMigration[] }> {
  authorize(context.caller, 'readRegistry');
  const module = await context.database.prisma.module.findUnique({ where: { name: moduleName } });
  if (!module) throw moduleNotFound(moduleName);
  requireUsableDatabase(context, module);
  const migrations = await readPlannedFiles(context, module);
  const wantedId = await requireTenantId(context.database, tenant);
  const wanted = listRegisteredTenants(context, moduleName).then((tenants) =>
    tenants.filter(({ tenantId }) => tenantId === wantedId),
  );
  const [judged] = await judgeTenants(context, module, migrations, wanted);
  if (!judged)
    throw new RegistryError(
      'MODULE_NOT_SUBSCRIBED',
      `Tenant ${tenant} has no storage of module ${moduleName} that rollouts migrate`,
    );
  const { decision, schemaName } = judged;
  const files = decision.kind === 'run' ? decision.missing : [];
  return { schemaName, version: decision.present, files };
}
