import { notifications } from '@mantine/notifications';
import { useChange } from '../../api/queries.js';
import { UpdateTenantDocument, type UpdateTenantInput } from '../../generated/graphql.js';
import { useDraft } from '../../parts/forms/draft.js';
import { type Field, FieldsForm } from '../../parts/forms/fields-form.js';
import type { TenantDetail } from '../detail/tenant-detail.js';
import { plans } from '../list/tenant-filter.js';

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', isRequired: true },
  { name: 'shortName', label: 'Short name' },
  {
    name: 'plan',
    label: 'Plan',
    kind: 'select',
    options: plans.map((value) => ({ value, label: value.toLowerCase() })),
    isRequired: true,
  },
  { name: 'primaryEmail', label: 'Email', kind: 'email', description: 'Receives messages to the tenant.' },
  {
    name: 'timezone',
    label: 'Time zone',
    description: 'A name of the IANA, such as Africa/Johannesburg.',
    isRequired: true,
  },
  { name: 'currency', label: 'Currency', description: 'Three letters, ISO 4217.', isRequired: true },
  { name: 'gcpProjectId', label: 'GCP project' },
  { name: 'gcpDataset', label: 'GCP dataset' },
  {
    name: 'internalNote',
    label: 'Internal note',
    kind: 'area',
    description: 'Members of the tenant do not see it.',
  },
  {
    name: 'isProtected',
    label: 'Protected',
    kind: 'checkbox',
    description: 'Nobody can delete or purge the tenant until this is cleared.',
  },
];

/** The fields of a tenant that can be changed. */
export function ProfileForm({ tenant }: { tenant: TenantDetail }) {
  const { name, shortName, plan, primaryEmail, timezone, currency } = tenant;
  const { gcpProjectId, gcpDataset, internalNote = null, isProtected } = tenant;
  const draft = useDraft({
    ...{ name, shortName, plan, primaryEmail, timezone, currency },
    ...{ gcpProjectId, gcpDataset, internalNote, isProtected },
  });
  const update = useChange(UpdateTenantDocument, {
    onDone() {
      draft.reset();
      notifications.show({ color: 'teal', message: 'Saved' });
    },
  });
  const save = () =>
    update.mutate({
      input: { tenantId: tenant.id, expectedVersion: tenant.version, ...draft.changed } as UpdateTenantInput,
    });
  return <FieldsForm fields={fields} draft={draft} action="updateTenant" change={update} onSave={save} />;
}
