import { invalidField } from '../../errors.js';
import { type OptionOf, readDate, readNames } from '../option.js';

/** The options that select tenants. Those with `condition` are the condition of TenantFilter with this name. */
const conditions: readonly (OptionOf & { condition?: string })[] = [
  {
    flag: '--status <statuses>',
    condition: 'status',
    description: 'only these statuses, separated by commas: active, suspended, deleted …',
    read: readNames,
  },
  {
    flag: '--plan <plans>',
    condition: 'plan',
    description: 'only these plans, separated by commas: lite, pro, enterprise',
    read: readNames,
  },
  { flag: '--module <name>', description: 'only tenants with an active subscription to this module' },
  {
    flag: '--subscription-status <statuses>',
    description: 'only tenants whose subscription to --module has one of these statuses',
    read: readNames,
  },
  { flag: '--migration <version>', description: 'only tenants at this migration of --module' },
  {
    flag: '--migration-below <version>',
    description: 'only tenants below this migration of --module, or without storage yet',
  },
  {
    flag: '--config-source <source>',
    condition: 'configSource',
    description: 'only tenants whose configuration is a file (yaml) or in the registry (database)',
    read: (text) => text.toUpperCase(),
  },
  {
    flag: '--created-since <date>',
    condition: 'createdFrom',
    description: 'only tenants registered since this time, such as 2027-01-31T00:00:00Z',
    read: readDate,
  },
  {
    flag: '--created-until <date>',
    condition: 'createdUntil',
    description: 'only tenants registered before this time',
    read: readDate,
  },
  {
    flag: '--member <email>',
    condition: 'memberEmail',
    description: 'only tenants with a member of this e-mail address',
  },
  {
    flag: '--needs-attention',
    condition: 'needsAttention',
    description: 'only tenants that an operator has to look at',
  },
  {
    flag: '--search <text>',
    condition: 'text',
    description: 'only tenants with this text in their name or slug',
  },
];

export const conditionOptions: readonly OptionOf[] = conditions;

interface Given {
  module?: string;
  subscriptionStatus?: string[];
  migration?: string;
  migrationBelow?: string;
  [option: string]: unknown;
}

/** The filter of these options, with the conditions of TenantFilter. Throws VALIDATION_ERROR for an option that needs --module. */
export function readConditions(options: Given): Record<string, unknown> {
  const filter: Record<string, unknown> = {};
  for (const { flag, condition } of conditions) {
    const value = options[optionOf(flag)];
    if (condition !== undefined && value !== undefined) filter[condition] = value;
  }
  const { module, subscriptionStatus: statuses, migration: at, migrationBelow: below } = options;
  if (module === undefined && (statuses ?? at ?? below) !== undefined)
    throw invalidField('--module', 'is needed with --subscription-status, --migration and --migration-below');
  const isAtMigration = at !== undefined || below !== undefined;
  // A tenant below a migration may have no active subscription yet.
  if (module !== undefined && (statuses || !isAtMigration)) filter.modules = [{ module, statuses }];
  if (isAtMigration) filter.migration = { module, at, below };
  return filter;
}

function optionOf(flag: string): string {
  return flag
    .replace(/^--(\S+).*$/, '$1')
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
