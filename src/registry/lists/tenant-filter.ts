import { z } from 'zod';
import { Plan, TenantStatus } from '../../database/generated/prisma/enums.js';
import { moduleName, omittable, plainText, readInput } from '../input.js';

export const oneOf = <T extends Record<string, string>>(values: T) =>
  z.enum(values, { error: `must be one of ${Object.values(values).join(', ')}` });

const TenantFilter = z.object({
  status: omittable(z.array(oneOf(TenantStatus))),
  plan: omittable(z.array(oneOf(Plan))),
  module: omittable(moduleName),
  text: omittable(z.string()),
});

/** Conditions on the tenants of a list; a tenant must meet all of them. Statuses and plans are written as in the database. */
export interface TenantSelection {
  /** Undefined: every status except purged. */
  statuses: readonly string[] | undefined;
  plans: readonly string[] | undefined;
  /** Only tenants with an active subscription to it. */
  module: string | undefined;
  /** A part of the name or the slug; with one or two characters their beginning. */
  text: string | undefined;
  /** JSON that the configuration contains. */
  config: string | undefined;
}

/** The statuses in which a tenant is listed. A purged tenant has only its names left. */
export const shownStatuses = Object.values(TenantStatus).filter((status) => status !== 'PURGED');

/** Reads a filter of a caller; `config` is JSON that was read already. Throws VALIDATION_ERROR. */
export function readTenantSelection(filter: unknown, config?: string): TenantSelection {
  const { status, plan, module, text } = readInput(TenantFilter, filter ?? {});
  return {
    statuses: status && inDatabase(status),
    plans: plan && inDatabase(plan),
    module,
    text: text ? readInput(plainText(200), text) : undefined,
    config,
  };
}

/** The statuses that the selection includes, all of them named. */
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
