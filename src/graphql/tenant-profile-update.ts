import { updateTenantBranding } from '../profile/commands/update-tenant-branding.js';
import { updateTenantConfig } from '../profile/commands/update-tenant-config.js';
import { updateTenantSettings } from '../profile/commands/update-tenant-settings.js';
import { describeTenantConfig } from '../profile/tenant-config.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { expectedVersionField, idempotencyKeyField, tenantIdField, waitField } from './mutation-input.js';
import { tenantField } from './payload.js';
import { revisionField } from './revision-field.js';
import { brandingFields, settingsFields } from './tenant-onboarding-input.js';

const errors = 'TENANT_NOT_FOUND, TENANT_DELETED, VERSION_CONFLICT, VALIDATION_ERROR';

builder.relayMutationField(
  'updateTenantConfig',
  {
    description: 'What changes in a configuration.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      patch: t.field({
        type: 'JSON',
        required: true,
        description:
          'JSON Merge Patch (RFC 7396): what is left out stays, null takes a key away, a list replaces the list. ' +
          `${describeTenantConfig()}`,
      }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Changes a tenant’s configuration. Unknown keys are refused with their path, and so is what looks like a secret. ' +
      `Scope: registry:write. Errors: ${errors}, SECRET_IN_CONFIG, CONFLICT while the configuration is a client.yaml.`,
    resolve: (_root, { input }, context) => execute(context, updateTenantConfig, input),
  },
  {
    description: 'The tenant with its new configuration.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'updateTenantSettings',
  {
    description: 'What changes in the settings; what is left out stays, null clears.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      ...settingsFields(t),
      expectedVersion: t.int({ description: 'Refuses the change unless `settings.version` is this one.' }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description: `Changes how a tenant presents itself. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
    resolve: (_root, { input }, context) => execute(context, updateTenantSettings, input),
  },
  {
    description: 'The tenant with its new settings.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'updateTenantBranding',
  {
    description: 'What changes in the branding; what is left out stays, null clears.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      ...brandingFields(t),
      expectedVersion: t.int({ description: 'Refuses the change unless `branding.version` is this one.' }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description: `Changes how a tenant’s pages look. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
    resolve: (_root, { input }, context) => execute(context, updateTenantBranding, input),
  },
  {
    description: 'The tenant with its new branding.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);
