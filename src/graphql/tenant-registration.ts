import { registerTenant } from '../profile/commands/register-tenant.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';
import { updateTenant } from '../registry/commands/update-tenant.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { expectedVersionField, idempotencyKeyField, tenantIdField, waitField } from './mutation-input.js';
import { invitationFields, operationField, tenantField } from './payload.js';
import { revisionField } from './revision-field.js';
import { PlanType } from './tenant.js';
import { onboardingFields } from './tenant-onboarding-input.js';

builder.relayMutationField(
  'registerTenant',
  {
    description: 'A new tenant.',
    inputFields: (t) => ({
      id: t.id({ description: 'UUID to keep, for a tenant known elsewhere already; default a new one.' }),
      name: t.string({ required: true, description: 'Name for people, at most 200 characters.' }),
      slug: t.string({
        description:
          '`^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`, 2 to 40 characters; default derived from the name. Never changes.',
      }),
      shortName: t.string({ description: 'Name for narrow places, at most 50 characters.' }),
      plan: t.field({ type: PlanType, description: 'Default LITE.' }),
      maxUsers: t.int({ description: 'Quota: members; default 5.' }),
      maxMonthlyQuotes: t.int({ description: 'Quota: quotes per month; default 100.' }),
      maxStorageGb: t.int({ description: 'Quota: storage in GB; default 1.' }),
      timezone: t.string({ description: 'IANA time zone; default Africa/Johannesburg.' }),
      currency: t.string({ description: 'ISO 4217 code; default ZAR.' }),
      primaryEmail: t.string({ description: 'Where the tenant is written to.' }),
      gcpProjectId: t.string({ description: 'Google Cloud project.' }),
      gcpDataset: t.string({ description: 'BigQuery dataset in that project.' }),
      adminEmail: t.string({
        description: 'The first admin, who is invited; also the primary address when none is given.',
      }),
      ...onboardingFields(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Registers a tenant with its profile and its first admin, ACTIVE from now on, without any module: all of it or ' +
      'nothing. Scope: registry:write. Errors: CONFLICT when slug or id is taken, VALIDATION_ERROR, SECRET_IN_CONFIG.',
    resolve: (_root, { input }, context) => execute(context, registerTenant, input),
  },
  {
    description: 'The new tenant.',
    outputFields: (t) => ({
      tenant: tenantField(t),
      ...invitationFields(t),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'updateTenant',
  {
    description: 'What changes in a tenant; what is left out stays.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      name: t.string({ description: 'Name for people, at most 200 characters.' }),
      shortName: t.string({ description: 'Name for narrow places, at most 50 characters.' }),
      plan: t.field({ type: PlanType, description: 'What it pays for.' }),
      maxUsers: t.int({ description: 'Quota: members.' }),
      maxMonthlyQuotes: t.int({ description: 'Quota: quotes per month.' }),
      maxStorageGb: t.int({ description: 'Quota: storage in GB.' }),
      timezone: t.string({ description: 'IANA time zone.' }),
      currency: t.string({ description: 'ISO 4217 code.' }),
      primaryEmail: t.string({ description: 'Where the tenant is written to.' }),
      gcpProjectId: t.string({ description: 'Google Cloud project.' }),
      gcpDataset: t.string({ description: 'BigQuery dataset in that project.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Changes a tenant’s master data; its status has mutations of its own. Scope: registry:write. Errors: ' +
      'TENANT_NOT_FOUND, TENANT_DELETED, VERSION_CONFLICT, VALIDATION_ERROR.',
    resolve: (_root, { input }, context) => execute(context, updateTenant, input),
  },
  {
    description: 'The changed tenant.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'provisionTenant',
  {
    description: 'A new tenant with everything it needs.',
    inputFields: (t) => ({
      name: t.string({ required: true, description: 'Name for people, at most 200 characters.' }),
      slug: t.string({ description: 'Default derived from the name. Never changes.' }),
      adminEmail: t.string({
        required: true,
        description: 'The first admin, and the tenant’s primary address.',
      }),
      ...onboardingFields(t),
      modules: t.field({
        type: ['ModuleName'],
        required: true,
        description: 'The modules to subscribe it to.',
      }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Registers a tenant, subscribes it to modules and makes the storage of all of them, or of none: when one fails, ' +
      'the others are taken away again, the tenant is left FAILED, `operation` says why, and the same call starts anew ' +
      'under the same names. Scope: provision. Errors: CONFLICT when the slug is taken, MODULE_NOT_FOUND, ' +
      'OPERATION_IN_PROGRESS, VALIDATION_ERROR, SECRET_IN_CONFIG.',
    resolve: (_root, { input }, context) => execute(context, provisionTenant, input),
  },
  {
    description: 'The tenant and the work on it.',
    outputFields: (t) => ({
      tenant: tenantField(t),
      ...invitationFields(t),
      operation: operationField(t),
      revision: revisionField(t),
    }),
  },
);
