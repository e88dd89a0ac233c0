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
    description: 'Input of updateTenantConfig.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      patch: t.field({
        type: 'JSON',
        required: true,
        description:
          'JSON Merge Patch (RFC 7396): omitted keys stay unchanged, null removes a key, a list replaces the ' +
          `whole list. ${describeTenantConfig()}`,
      }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Changes the configuration of a tenant. Unknown keys and values that look like a secret are refused ' +
      `with their path. Scope: registry:write. Errors: ${errors}, SECRET_IN_CONFIG, CONFLICT while the ` +
      'configuration is a client.yaml file.',
    resolve: (_root, { input }, context) => execute(context, updateTenantConfig, input),
  },
  {
    description: 'Result of updateTenantConfig.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'updateTenantSettings',
  {
    description: 'Input of updateTenantSettings. Omitted fields stay unchanged; null clears a field.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      ...settingsFields(t),
      expectedVersion: t.int({
        description:
          'Expected `settings.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT.',
      }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description: `Changes the settings of a tenant. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
    resolve: (_root, { input }, context) => execute(context, updateTenantSettings, input),
  },
  {
    description: 'Result of updateTenantSettings.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'updateTenantBranding',
  {
    description: 'Input of updateTenantBranding. Omitted fields stay unchanged; null clears a field.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      ...brandingFields(t),
      expectedVersion: t.int({
        description:
          'Expected `branding.version`. When it is a different one, the mutation is refused with VERSION_CONFLICT.',
      }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description: `Changes the branding of a tenant. Scope: registry:write, or an admin of the tenant. Errors: ${errors}.`,
    resolve: (_root, { input }, context) => execute(context, updateTenantBranding, input),
  },
  {
    description: 'Result of updateTenantBranding.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);
