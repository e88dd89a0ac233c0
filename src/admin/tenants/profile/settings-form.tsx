import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useChange } from '../../api/queries.js';
import { UpdateTenantSettingsDocument, type UpdateTenantSettingsInput } from '../../generated/graphql.js';
import { useDraft } from '../../parts/forms/draft.js';
import { type Field, FieldsForm } from '../../parts/forms/fields-form.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

const fields: readonly Field[] = [
  { name: 'companyName', label: 'Company name', description: 'On documents and pages.', isRequired: true },
  { name: 'website', label: 'Website', kind: 'url' },
  { name: 'supportEmail', label: 'Support email', kind: 'email' },
  { name: 'supportPhone', label: 'Support telephone' },
  { name: 'emailFromName', label: 'Sender name of mail' },
  {
    name: 'emailFromEmail',
    label: 'Sender address of mail',
    kind: 'email',
    description: 'Empty: the support address.',
  },
  { name: 'currency', label: 'Currency of prices', isRequired: true },
  { name: 'timezone', label: 'Time zone of dates', isRequired: true },
];

export function SettingsForm({ tenant }: { tenant: TenantDetail }) {
  const { version, ...values } = tenant.settings ?? { version: undefined };
  const draft = useDraft(values);
  const update = useChange(UpdateTenantSettingsDocument, {
    onDone() {
      draft.reset();
      notifications.show({ color: 'teal', message: 'Saved' });
    },
  });
  if (!tenant.settings) return <Text size="sm">This tenant has no settings.</Text>;
  const save = () =>
    update.mutate({
      input: { tenantId: tenant.id, expectedVersion: version, ...draft.changed } as UpdateTenantSettingsInput,
    });
  return (
    <FieldsForm
      fields={fields}
      draft={draft}
      action="updateTenantSettings"
      tenantId={tenant.id}
      change={update}
      onSave={save}
    />
  );
}
