import { z } from 'zod';
import {
  ConfigSource,
  Plan,
  SubscriptionStatus,
  TenantStatus,
} from '../../database/generated/prisma/enums.js';
import { invalidField } from '../../errors.js';
import { email, moduleName, moment, omittable, plainText, readInput, uuid } from '../input.js';

export const oneOf = <T extends Record<string, string>>(values: T) =>
  z.enum(values, { error: `must be one of ${Object.values(values).join(', ')}` });

/** The most ids and modules that a filter names. */
export const maxIds = 500;
const maxModules = 20;

const version = omittable(plainText(200));

/** Strict, because a condition with a misspelt name would be left out, and the filter would select every tenant. */
const TenantFilter = z.strictObject({
  ids: omittable(z.array(uuid).max(maxIds, `must be at most ${maxIds}`)),
  externalIds: omittable(z.array(plainText(100)).max(maxIds, `must be at most ${maxIds}`)),
  status: omittable(z.array(oneOf(TenantStatus))),
  plan: omittable(z.array(oneOf(Plan))),
  module: omittable(moduleName),
  modules: omittable(
    z
      .array(z.strictObject({ module: moduleName, statuses: omittable(z.array(oneOf(SubscriptionStatus))) }))
      .max(maxModules, `must be at most ${maxModules}`),
  ),
  migration: omittable(
    z
      .strictObject({ module: moduleName, at: version, notAt: version, below: version })
      .refine(
        ({ at, notAt, below }) => [at, notAt, below].filter((one) => one !== undefined).length === 1,
        'must have exactly one of at, notAt and below',
      ),
  ),
  configSource: omittable(oneOf(ConfigSource)),
  createdFrom: omittable(moment),
  createdUntil: omittable(moment),
  memberEmail: omittable(email.overwrite((address) => address.toLowerCase())),
  needsAttention: omittable(z.boolean()),
  text: omittable(z.string()),
});

/** A subscription to the module in one of these statuses, which are written as in the database. */
export interface ModuleCondition {
  module: string;
  statuses: readonly string[];
}

/** The version of a subscription to the module in relation to another version. */
interface MigrationCondition {
  module: string;
  relation: 'at' | 'notAt' | 'below';
  version: string;
}

/** Conditions on the tenants of a list; a tenant must meet all of them. Enum values are written as in the database. */
export interface TenantSelection {
  /** Undefined: every status except purged. */
  statuses: readonly string[] | undefined;
  plans: readonly string[] | undefined;
  modules: readonly ModuleCondition[];
  ids: readonly string[] | undefined;
  externalIds: readonly string[] | undefined;
  migration: MigrationCondition | undefined;
  configSource: string | undefined;
  createdFrom: Date | undefined;
  /** Tenants that were created before it. */
  createdUntil: Date | undefined;
  /** Address of a member that is not removed, in lower case. */
  memberEmail: string | undefined;
  needsAttention: boolean | undefined;
  /** A part of the name, the slug or an external id; with one or two characters their beginning. */
  text: string | undefined;
  /** JSON that the configuration contains. */
  config: string | undefined;
}

/** The statuses in which a tenant is listed. A purged tenant has only its names left. */
export const shownStatuses = Object.values(TenantStatus).filter((status) => status !== 'PURGED');

/** Reads a filter of a caller; `config` is JSON that was read already. Throws VALIDATION_ERROR. */
export function readTenantSelection(filter: unknown, config?: string): TenantSelection {
  const { status, plan, module, modules, migration, configSource, text, ...same } = readInput(
    TenantFilter,
    filter ?? {},
  );
  const { createdFrom, createdUntil } = same;
  if (createdFrom && createdUntil && createdFrom >= createdUntil)
    throw invalidField('createdUntil', 'must be later than createdFrom');
  const named = [...(module === undefined ? [] : [{ module, statuses: undefined }]), ...(modules ?? [])];
  return {
    ...{
      ids: same.ids,
      externalIds: same.externalIds,
      memberEmail: same.memberEmail,
      needsAttention: same.needsAttention,
    },
    ...{ createdFrom, createdUntil, config },
    statuses: status && inDatabase(status),
    plans: plan && inDatabase(plan),
    modules: mergeModules(
      named.map(({ module, statuses }) => ({ module, statuses: inDatabase(statuses ?? ['ACTIVE']) })),
    ),
    migration: migration && readMigration(migration),
    configSource: configSource?.toLowerCase(),
    text: text ? readInput(plainText(200), text) : undefined,
  };
}

/** A tenant has one subscription to a module, so two conditions on it are one with the statuses that both have. */
function mergeModules(conditions: readonly ModuleCondition[]): ModuleCondition[] {
  const merged = new Map<string, readonly string[]>();
  for (const { module, statuses } of conditions) {
    const before = merged.get(module);
    merged.set(module, before ? before.filter((status) => statuses.includes(status)) : statuses);
  }
  return [...merged].map(([module, statuses]) => ({ module, statuses }));
}

function readMigration({ module, ...versions }: { module: string } & Record<string, string | undefined>) {
  for (const relation of ['at', 'notAt', 'below'] as const) {
    const version = versions[relation];
    if (version !== undefined) return { module, relation, version };
  }
  return undefined;
}

/** The statuses that the selection includes, all of them named, in the order of the list by status. */
export function statusesOf({ statuses }: TenantSelection): readonly string[] {
  return statuses ?? inDatabase(shownStatuses);
}

export function plansOf({ plans }: TenantSelection): readonly string[] {
  return plans ?? inDatabase(Object.values(Plan));
}

/** As in the database, without duplicates: each value is a list of its own. */
export function inDatabase(values: readonly string[]): string[] {
  return [...new Set(values.map((value) => value.toLowerCase()))];
}
