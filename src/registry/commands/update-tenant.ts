import { optional, text } from '../input.js';
import { wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';
import { givenFields, tenantFields } from '../tenant-fields.js';

/** The fields of limits, each with its name in tenants.own_limits. */
const limits = [
  ['maxUsers', 'users'],
  ['maxMonthlyQuotes', 'monthly_quotes'],
  ['maxStorageGb', 'storage_gb'],
] as const;

/** Changes the given fields and leaves the others. Id and slug never change; other commands change the status. */
export const updateTenant = tenantCommand({
  action: 'updateTenant',
  fields: { name: optional(text(200)), ...tenantFields },
  decide(tenant, wanted) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'updated');
    const given = givenFields(wanted);
    if (given.plan === undefined || given.plan === tenant.plan) return given;
    // The database can't tell a limit that is given with its present value from one that is to follow the new plan.
    const own = limits.filter(([field]) => given[field] !== undefined).map(([, metric]) => metric);
    return { ...given, ownLimits: [...new Set([...tenant.ownLimits, ...own])] };
  },
});
