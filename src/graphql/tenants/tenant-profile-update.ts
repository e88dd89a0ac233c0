import { updateTenantBranding } from '../../profile/commands/update-tenant-branding.js';
import { updateTenantConfig } from '../../profile/commands/update-tenant-config.js';
import { updateTenantSettings } from '../../profile/commands/update-tenant-settings.js';
import { describeTenantConfig } from '../../profile/config/tenant-config.js';
import { brandingFields, settingsFields } from '../../profile/profile-fields.js';
import { commandFields } from '../fields/command-input.js';
import { expectedVersionField, tenantIdField, waitField } from '../fields/mutation-input.js';
import { tenantField } from '../fields/payload.js';
import { mutation } from '../mutation.js';

const errors = 'TENANT_NOT_FOUND, TENANT_DELETED, VERSION_CONFLICT, VALIDATION_ERROR';

mutation('updateTenantConfig', {
  command: updateTenantConfig,
  description:
    'Changes the configuration of a tenant. Unknown keys and values that look like a secret are refused ' +
    `with their path. Scope: registry:write. Errors: ${errors}, SECRET_IN_CONFIG, CONFLICT while the ` +
    'configuration is a client.yaml file.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    patch: t.field({
      type: 'JSON',
      required: true,
      description:
        'JSON Merge Patch (RFC 7396): omitted keys stay unchanged, null removes a key, a list replaces the ' +
        `whole list. ${describeTenantConfig()}`,
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t) }),
});

mutation('updateTenantSettings', {
  command: updateTenantSettings,
  description: `Changes the settings of a tenant. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
  input: (t) => ({
    tenantId: tenantIdField(t),
    ...commandFields(t, settingsFields),
    expectedVersion: t.int({
      description:
        'Expected `settings.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t) }),
});

mutation('updateTenantBranding', {
  command: updateTenantBranding,
  description: `Changes the branding of a tenant. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
  input: (t) => ({
    tenantId: tenantIdField(t),
    ...commandFields(t, brandingFields),
    expectedVersion: t.int({
      description:
        'Expected `branding.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t) }),
});
