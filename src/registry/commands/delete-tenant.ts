import { z } from 'zod';
import { optional } from '../input.js';
import { requireNoOperation, wrongStatus } from '../tenant.js';
import { tenantCommand } from '../tenant-command.js';

const defaultRestorableDays = 30;
const dayMs = 86_400_000;

const restorableDays = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(3650, 'must be at most 3650');

/** Soft: the tenant stops resolving; its data and names stay, and restoreTenant brings it back until the date set here. */
export const deleteTenant = tenantCommand(
  'deleteTenant',
  { restorableDays: optional(restorableDays) },
  (tenant, wanted) => {
    requireNoOperation(tenant);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'deleted again');
    const days = wanted.restorableDays ?? defaultRestorableDays;
    return { status: 'DELETED', purgeAfter: new Date(Date.now() + days * dayMs) };
  },
);
