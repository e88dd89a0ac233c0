import { Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useChange } from '../../api/queries.js';
import { UpdateTenantBrandingDocument, type UpdateTenantBrandingInput } from '../../generated/graphql.js';
import { type Draft, useDraft } from '../../parts/forms/draft.js';
import { type Field, FieldsForm } from '../../parts/forms/fields-form.js';
import type { TenantDetail } from '../detail/tenant-detail.js';

const fields: readonly Field[] = [
  { name: 'presetTheme', label: 'Theme', description: 'The colors are based on it.', isRequired: true },
  { name: 'logoUrl', label: 'URL of the logo', kind: 'url' },
  { name: 'primaryColor', label: 'Primary color', description: '#rrggbb' },
  { name: 'secondaryColor', label: 'Secondary color', description: '#rrggbb' },
  { name: 'accentColor', label: 'Accent color', description: '#rrggbb' },
];

export function BrandingForm({ tenant }: { tenant: TenantDetail }) {
  const { version, ...values } = tenant.branding ?? { version: undefined };
  const draft = useDraft(values);
  const update = useChange(UpdateTenantBrandingDocument, {
    onDone() {
      draft.reset();
      notifications.show({ color: 'teal', message: 'Saved' });
    },
  });
  if (!tenant.branding) return <Text size="sm">This tenant has no branding.</Text>;
  const save = () =>
    update.mutate({
      input: { tenantId: tenant.id, expectedVersion: version, ...draft.changed } as UpdateTenantBrandingInput,
    });
  return (
    <FieldsForm
      fields={fields}
      draft={draft}
      action="updateTenantBranding"
      tenantId={tenant.id}
      change={update}
      onSave={save}
    >
      <Preview name={tenant.settings?.companyName ?? tenant.name} values={draft.values} />
    </FieldsForm>
  );
}

const color = /^#[0-9a-f]{6}$/i;

/** How a page of the tenant would look. The logo is not loaded: this page talks to no other host. */
function Preview({ name, values }: { name: string; values: Draft['values'] }) {
  const colorOf = (field: string, usual: string) => {
    const value = String(values[field] ?? '');
    return color.test(value) ? value : usual;
  };
  const primary = colorOf('primaryColor', '#3b5bdb');
  const secondary = colorOf('secondaryColor', '#495057');
  const accent = colorOf('accentColor', '#e8590c');
  return (
    <figure className="preview" aria-label="Preview">
      <div className="preview-bar" style={{ background: primary, color: textOn(primary) }} dir="auto">
        {name}
      </div>
      <div className="preview-body">
        <Text size="sm" dir="auto">
          A page of {name}
        </Text>
        <Group gap="xs" mt="xs">
          <span className="preview-chip" style={{ background: secondary, color: textOn(secondary) }}>
            Secondary
          </span>
          <span className="preview-chip" style={{ background: accent, color: textOn(accent) }}>
            Accent
          </span>
        </Group>
      </div>
      <figcaption>Preview. The logo is not loaded here, because this page talks to no other host.</figcaption>
    </figure>
  );
}

/** Black or white, whichever has the higher contrast (WCAG 2.2). */
function textOn(background: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(background.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}
