import type { Prisma } from '../../database/generated/prisma/client.js';
import { RegistryError } from '../../errors.js';
import { wrongStatus } from '../../registry/tenants/tenant.js';
import { tenantCommand } from '../../registry/tenants/tenant-command.js';
import { mergePatch } from '../config/merge-patch.js';
import { configObject, readTenantConfig } from '../config/tenant-config.js';
import { requireOwnVariables } from '../config/variable-owners.js';

/** Changes a configuration by a merge patch (RFC 7396): null removes a key, a list replaces the list. */
export const updateTenantConfig = tenantCommand({
  action: 'updateTenantConfig',
  fields: { patch: configObject },
  decide(tenant, { patch }, { configRules }) {
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'configured');
    if (tenant.configSource === 'YAML')
      throw new RegistryError(
        'CONFLICT',
        `The configuration of tenant ${tenant.slug} is in its client.yaml: import that file first, or edit it`,
      );
    const config = readTenantConfig(mergePatch(tenant.config, patch), { slug: tenant.slug, ...configRules });
    return { config: config as Prisma.InputJsonObject };
  },
  requireAllowed: (tx, { slug }, { config }, { configRules }) =>
    requireOwnVariables(tx, config, { slug, ...configRules }),
});
