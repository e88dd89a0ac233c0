import { registerTenant } from '../../profile/commands/register-tenant.js';
import { provisionTenant } from '../../provisioning/commands/provision-tenant.js';
import { updateTenant } from '../../registry/commands/update-tenant.js';
import { expectedVersionField, tenantIdField, waitField } from '../fields/mutation-input.js';
import { invitationFields, operationField, tenantField } from '../fields/payload.js';
import { mutation } from '../mutation.js';
import { PlanType } from './tenant.js';
import { onboardingFields } from './tenant-onboarding-input.js';

mutation('registerTenant', {
  command: registerTenant,
  description:
    'Registers a tenant with its profile and its first admin in one transaction. The tenant is ACTIVE at ' +
    'once and has no module. Scope: registry:write. Errors: CONFLICT when slug or id is taken, ' +
    'VALIDATION_ERROR, SECRET_IN_CONFIG.',
  input: (t) => ({
    id: t.id({
      description: 'UUID to keep, for a tenant that another system already knows. Default: a new UUID.',
    }),
    name: t.string({ required: true, description: 'Display name, at most 200 characters.' }),
    slug: t.string({
      description:
        'Slug, 2 to 40 characters: `^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$`. It never changes. Default: derived ' +
        'from the name.',
    }),
    shortName: t.string({ description: 'Short display name, at most 50 characters.' }),
    plan: t.field({ type: PlanType, description: 'Plan of the tenant. Default: LITE.' }),
    maxUsers: t.int({ description: 'Maximum number of members. Default: 5.' }),
    maxMonthlyQuotes: t.int({ description: 'Maximum number of quotes per month. Default: 100.' }),
    maxStorageGb: t.int({ description: 'Maximum storage in GB. Default: 1.' }),
    timezone: t.string({ description: 'IANA time zone. Default: Africa/Johannesburg.' }),
    currency: t.string({ description: 'ISO 4217 currency code. Default: ZAR.' }),
    primaryEmail: t.string({ description: 'E-mail address for messages to the tenant.' }),
    gcpProjectId: t.string({ description: 'Id of the Google Cloud project.' }),
    gcpDataset: t.string({ description: 'BigQuery dataset in the Google Cloud project.' }),
    isProtected: t.boolean({
      description: 'Whether deleteTenant and purgeTenant are refused until this is cleared.',
    }),
    internalNote: t.string({
      description: 'Note of operators, at most 2000 characters; not shown to members of the tenant.',
    }),
    adminEmail: t.string({
      description:
        'E-mail address of the first admin, who is invited. It is also the primary address when ' +
        '`primaryEmail` is omitted.',
    }),
    ...onboardingFields(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    tenant: tenantField(t),
    ...invitationFields(t),
  }),
});

mutation('updateTenant', {
  command: updateTenant,
  description:
    'Changes the master data of a tenant; the status has mutations of its own. Of a DELETED tenant only ' +
    '`isProtected` and `internalNote` can be changed. Scope: registry:write. Errors: TENANT_NOT_FOUND, ' +
    'TENANT_DELETED, CONFLICT for `suspendUntil` of a tenant that is not suspended, VERSION_CONFLICT, ' +
    'VALIDATION_ERROR.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    name: t.string({ description: 'Display name, at most 200 characters.' }),
    shortName: t.string({ description: 'Short display name, at most 50 characters.' }),
    plan: t.field({ type: PlanType, description: 'New plan of the tenant.' }),
    maxUsers: t.int({ description: 'Maximum number of members.' }),
    maxMonthlyQuotes: t.int({ description: 'Maximum number of quotes per month.' }),
    maxStorageGb: t.int({ description: 'Maximum storage in GB.' }),
    timezone: t.string({ description: 'IANA time zone.' }),
    currency: t.string({ description: 'ISO 4217 currency code.' }),
    primaryEmail: t.string({ description: 'E-mail address for messages to the tenant.' }),
    gcpProjectId: t.string({ description: 'Id of the Google Cloud project.' }),
    gcpDataset: t.string({ description: 'BigQuery dataset in the Google Cloud project.' }),
    isProtected: t.boolean({
      description: 'Whether deleteTenant and purgeTenant are refused until this is cleared.',
    }),
    internalNote: t.string({
      description: 'Note of operators, at most 2000 characters; not shown to members of the tenant.',
    }),
    suspendUntil: t.field({
      type: 'DateTime',
      description:
        'Time in the future at which the suspension of a SUSPENDED tenant ends by itself; null: it lasts until resumeTenant.',
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t) }),
});

mutation('provisionTenant', {
  command: provisionTenant,
  description:
    'Registers a tenant, subscribes it to modules and creates the storage of all of them, or of none. ' +
    'When one fails, the others are undone, the tenant is left FAILED, `operation` contains the reason, ' +
    'and the same call starts again under the same names. Scope: provision. Errors: CONFLICT when the ' +
    'slug is taken, MODULE_NOT_FOUND, OPERATION_IN_PROGRESS, VALIDATION_ERROR, SECRET_IN_CONFIG.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Display name, at most 200 characters.' }),
    slug: t.string({ description: 'Slug; it never changes. Default: derived from the name.' }),
    adminEmail: t.string({
      required: true,
      description: 'E-mail address of the first admin; also the primary address of the tenant.',
    }),
    ...onboardingFields(t),
    modules: t.field({
      type: ['ModuleName'],
      required: true,
      description: 'Names of the modules to which the tenant is subscribed.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    tenant: tenantField(t),
    ...invitationFields(t),
    operation: operationField(t),
  }),
});
