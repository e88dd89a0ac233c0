import type { z } from 'zod';
import type { Action } from '../auth/permissions.js';
import { replaceTenantBranding } from '../profile/commands/update-tenant-branding.js';
import { replaceTenantSettings } from '../profile/commands/update-tenant-settings.js';
import { brandingFields, settingsFields } from '../profile/profile-fields.js';
import { requireBranding, requireSettings } from '../profile/profile-record.js';
import type { CommandContext } from '../registry/command.js';
import type { RestAnswer } from './answer.js';
import { type Endpoint, endpoint } from './endpoint.js';
import { toAnswer, toInput, withBodyNames } from './field-names.js';
import type { Part } from './paths.js';
import { NewBranding, NewSettings, NoQuery, TenantBranding, TenantSettings } from './tenant.js';

/** A part of a tenant with a row and a version of its own. */
interface PartOfTenant {
  /** The name in ids of operations: "Settings". */
  title: string;
  action: Action;
  fields: z.ZodRawShape;
  shown: z.ZodObject;
  given: z.ZodObject;
  require(context: CommandContext, reference: string, action?: Action): Promise<{ version: number }>;
  replace(context: CommandContext, input: unknown): Promise<{ tenantId: string }>;
}

const settings: PartOfTenant = {
  title: 'Settings',
  action: 'updateTenantSettings',
  fields: settingsFields,
  shown: TenantSettings,
  given: NewSettings,
  require: requireSettings,
  replace: replaceTenantSettings,
};

const branding: PartOfTenant = {
  title: 'Branding',
  action: 'updateTenantBranding',
  fields: brandingFields,
  shown: TenantBranding,
  given: NewBranding,
  require: requireBranding,
  replace: replaceTenantBranding,
};

/** Endpoints of the parts of a tenant, by method. */
export const partEndpoints: Record<Part, Record<'GET' | 'PUT', Endpoint>> = {
  settings: endpointsOf(settings),
  branding: endpointsOf(branding),
};

function endpointsOf({ title, action, fields, shown, given, ...part }: PartOfTenant) {
  const noun = title.toLowerCase();
  const show = async (context: CommandContext, reference: string, by?: Action): Promise<RestAnswer> => {
    const row = await part.require(context, reference, by);
    return { status: 200, headers: { etag: `"${row.version}"` }, body: toAnswer(fields, { ...row }) };
  };
  const answer = {
    status: 200,
    description: `The ${noun} of the tenant.`,
    schema: shown,
    headers: { ETag: 'Version of the answer, for `If-Match`.' },
  };
  return {
    GET: endpoint({
      id: `getTenant${title}`,
      summary: `Read the ${noun} of a tenant.`,
      description: `Returns the ${noun} of a tenant by slug, id or external id. Scope: registry:read, or a member of the tenant.`,
      action: 'readTenant',
      query: NoQuery,
      isRepeatable: false,
      answer,
      refusals: ['TENANT_NOT_FOUND', 'NOT_FOUND', 'TENANT_MISMATCH'],
      run: ({ context, reference }) => show(context, reference),
    }),
    PUT: endpoint({
      id: `putTenant${title}`,
      summary: `Replace the ${noun} of a tenant.`,
      description:
        `Replaces the whole ${noun}: absent fields get the values of a new tenant, and null clears a field that may be empty. ` +
        'Scope: registry:write, or an admin of the tenant.',
      action,
      query: NoQuery,
      isRepeatable: false,
      isVersioned: true,
      body: given,
      answer,
      refusals: ['TENANT_NOT_FOUND', 'TENANT_DELETED', 'TENANT_MISMATCH', 'VERSION_CONFLICT'],
      async run({ context, reference, expectedVersion, body }) {
        const input = { ...toInput(await body()), tenantId: reference, expectedVersion };
        const { tenantId } = await part.replace(context, input).catch((error) => {
          throw withBodyNames(error);
        });
        return show(context, tenantId, action);
      },
    }),
  };
}
