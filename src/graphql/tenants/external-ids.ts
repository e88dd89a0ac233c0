import { addTenantExternalId } from '../../registry/commands/add-tenant-external-id.js';
import { removeTenantExternalId } from '../../registry/commands/remove-tenant-external-id.js';
import { activeExternalIds, maxExternalIds } from '../../registry/external-id.js';
import { builder } from '../builder.js';
import { type MutationInputFields, tenantIdField, waitField } from '../fields/mutation-input.js';
import { tenantField } from '../fields/payload.js';
import { mutation } from '../mutation.js';
import { Tenant } from './tenant.js';

builder.prismaObjectField(Tenant, 'externalIds', (t) =>
  t.field({
    type: ['String'],
    description:
      'Ids under which older platforms know the tenant, in alphabetical order. Each resolves like the slug.',
    select: { externalIds: activeExternalIds },
    resolve: ({ externalIds }) => externalIds.map(({ externalId }) => externalId),
  }),
);

const input = (description: string) => (t: MutationInputFields) => ({
  tenantId: tenantIdField(t),
  externalId: t.string({ required: true, description }),
  wait: waitField(t),
});

mutation('addTenantExternalId', {
  command: addTenantExternalId,
  description:
    `Gives a tenant an external id, which then resolves like its slug. A tenant has at most ${maxExternalIds}, removed ones ` +
    'included; one that it has already is no error. Scope: registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, CONFLICT ' +
    'when the id is a slug or belongs to another tenant, VALIDATION_ERROR.',
  input: input(
    'Id on the older platform, 1 to 100 characters: letters, digits and `. _ ~ : @ = | + -`, beginning with a letter, a digit ' +
      'or `_`. Upper and lower case differ. It must not look like a UUID.',
  ),
  payload: (t) => ({ tenant: tenantField(t) }),
});

mutation('removeTenantExternalId', {
  command: removeTenantExternalId,
  description:
    'Removes an external id of a tenant: it does not resolve any more. It stays with the tenant, which can have it again, and ' +
    'no other tenant can. Scope: registry:write. Errors: TENANT_NOT_FOUND, NOT_FOUND when the tenant never had the id, ' +
    'VALIDATION_ERROR.',
  input: input('External id of the tenant.'),
  payload: (t) => ({ tenant: tenantField(t) }),
});
