import type { Module } from '../../../database/generated/prisma/client.js';
import { RegistryError } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { mayPass } from '../../../registry/database-failure.js';
import type { AppliedMigration } from '../../fence/schema-version.js';
import type { ModuleMigration } from '../../storage/module-migrations.js';
import { type Decision, decide } from '../tenants/storage-state.js';
import {
  listExisting,
  type RegisteredTenant,
  readOwnDatabases,
  readVersionGroups,
} from './tenant-versions.js';

/** A tenant with the decision that a rollout would take, from what is known without working on its storage. */
export interface JudgedTenant extends RegisteredTenant {
  decision: Decision & {
    /** The same for tenants that are left alone for the same reason. */
    group: string;
  };
}

/**
 * Judges tenants by the versions in the module's database, and in the databases of tenants that have one of their own, with a connection to each.
 * Throws TENANT_NOT_READY when a database does not answer.
 */
export function judgeTenants(...given: Parameters<typeof judgeReachable>): Promise<JudgedTenant[]> {
  return whenReachable(given[1], () => judgeReachable(...given));
}

/** Runs work in the databases of a module. Throws TENANT_NOT_READY when one does not answer. */
export async function whenReachable<T>({ name }: { name: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!mayPass(error)) throw error;
    throw new RegistryError(
      'TENANT_NOT_READY',
      `The database of module ${name} cannot be reached: try again later`,
      { cause: error },
    );
  }
}

async function judgeReachable(
  context: CommandContext,
  module: Pick<Module, 'name' | 'databaseRef' | 'databaseName'>,
  migrations: readonly ModuleMigration[],
  listing: Promise<readonly RegisteredTenant[]>,
): Promise<JudgedTenant[]> {
  // Both databases are asked at the same time.
  const reading = readVersionGroups(context, module);
  reading.catch(() => undefined);
  const tenants = await listing;
  const inSchemas = tenants.filter(({ isolation }) => isolation === 'SCHEMA');
  const groups = inSchemas.length > 0 ? await reading : [];
  const groupOf = new Map(
    groups.flatMap((group) => [...group.owners.keys()].map((schema) => [schema, group] as const)),
  );
  const unknown = inSchemas.map(({ schemaName }) => schemaName).filter((schema) => !groupOf.has(schema));
  const existing = await listExisting(context, module, unknown);
  const own = await readOwnDatabases(context, module, tenants);
  // Thousands of tenants have a few different versions, and what is decided depends on nothing else.
  const decided = new Map<AppliedMigration[], JudgedTenant['decision']>();
  return tenants.map((tenant) => {
    const { tenantId, schemaName, isolation } = tenant;
    if (isolation === 'DATABASE') {
      const state = own.get(tenantId);
      return {
        ...tenant,
        decision: state ? judge(tenant, state, module.name, migrations) : noDatabase(tenant),
      };
    }
    const group = groupOf.get(schemaName);
    const isOwn = group?.owners.get(schemaName) === tenantId;
    const known = group && isOwn && decided.get(group.applied);
    if (known) return { ...tenant, decision: known };
    const state = {
      pid: 0,
      exists: group !== undefined || existing.has(schemaName),
      ownerRole: null,
      owner: group && { tenantId: group.owners.get(schemaName) ?? '', module: module.name },
      applied: group?.applied ?? [],
    };
    const decision = judge(tenant, state, module.name, migrations);
    if (group && isOwn) decided.set(group.applied, decision);
    return { ...tenant, decision };
  });
}

function noDatabase({ databaseName }: RegisteredTenant): JudgedTenant['decision'] {
  const reason = `Database ${databaseName} does not exist: tenant-registry doctor shows more`;
  return { kind: 'blocked', reason, present: null, group: 'no database' };
}

function judge(
  { tenantId, schemaName, version }: RegisteredTenant,
  state: Parameters<typeof decide>[0],
  moduleName: string,
  files: readonly ModuleMigration[],
): JudgedTenant['decision'] {
  const owner = { tenantId, module: moduleName };
  const withGroup = (decision: Decision) => {
    const group =
      decision.kind === 'run'
        ? ''
        : decision.reason.replaceAll(schemaName, '…').replaceAll(/[0-9a-f-]{36}/g, '…');
    return { ...decision, group };
  };
  try {
    return withGroup(decide(state, { schemaName, owner, registeredVersion: version, files }));
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return withGroup({ kind: 'blocked', reason: error.message, present: null });
  }
}
