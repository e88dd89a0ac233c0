import { z } from 'zod';
import type { Prisma } from '../../database/generated/prisma/client.js';
import { RegistryError } from '../../errors.js';
import { wrongStatus } from '../../registry/tenant.js';
import { tenantCommand } from '../../registry/tenant-command.js';
import { isObject, mergePatch } from '../merge-patch.js';
import { readTenantConfig } from '../tenant-config.js';

/** Deeper than any configuration. */
const maxDepth = 50;

/** Changes a configuration by a merge patch (RFC 7396): null takes a key away, a list replaces the list. */
export const updateTenantConfig = tenantCommand(
  'updateTenantConfig',
  {
    patch: z
      .custom<object>(isObject, 'must be a JSON object')
      .refine((patch) => depthOf(patch) <= maxDepth, `must be at most ${maxDepth} levels deep`),
  },
  (tenant, { patch }) => {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'configured');
    if (tenant.configSource === 'YAML')
      throw new RegistryError(
        'CONFLICT',
        `The configuration of tenant ${tenant.slug} is its client.yaml: import that first, or edit the file`,
      );
    const config = readTenantConfig(mergePatch(tenant.config, patch), tenant.slug);
    return { config: config as Prisma.InputJsonObject };
  },
);

/** Level by level: a patch of a million brackets must not exhaust the stack, neither here nor in what comes after. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; level.length > 0; depth++)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  return depth;
}
