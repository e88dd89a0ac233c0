import { Autocomplete, SimpleGrid, Text, Textarea, TextInput } from '@mantine/core';
import type { Draft } from '../draft/draft.js';
import { StepForm } from './step-form.js';
import type { StepProps } from './steps.js';

const timeZones = Intl.supportedValuesOf('timeZone');

export function ProfileStep({ draft, change, fieldErrors, onNext, onBack }: StepProps) {
  const field = (name: keyof Draft & keyof typeof labels, path: string = name) => ({
    ...labels[name],
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => change({ [name]: event.currentTarget.value }),
    error: fieldErrors[path],
    dir: 'auto',
    autoComplete: 'off',
  });
  return (
    <StepForm title="Profile" onNext={onNext} onBack={onBack}>
      <Text size="sm">All of this can be left empty and changed later.</Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput {...field('shortName')} maxLength={50} />
        <TextInput {...field('primaryEmail')} type="email" />
        <Autocomplete
          {...labels.timezone}
          value={draft.timezone}
          onChange={(timezone) => change({ timezone })}
          error={fieldErrors.timezone}
          data={timeZones}
          limit={8}
          autoComplete="off"
        />
        <TextInput {...field('currency')} maxLength={3} />
        <TextInput {...field('companyName', 'settings.companyName')} maxLength={200} />
        <TextInput {...field('supportEmail', 'settings.supportEmail')} type="email" />
      </SimpleGrid>
      <TextInput {...field('website', 'settings.website')} type="url" />
      <Textarea {...field('internalNote')} maxLength={2000} autosize minRows={2} maxRows={8} />
    </StepForm>
  );
}

const labels = {
  shortName: { label: 'Short name', description: 'Where there is little room.' },
  primaryEmail: { label: 'Email', description: 'For messages to the tenant. Empty: the first admin’s.' },
  timezone: { label: 'Time zone', description: 'Empty: Africa/Johannesburg.' },
  currency: { label: 'Currency', description: 'ISO 4217. Empty: ZAR.' },
  companyName: { label: 'Company name', description: 'On documents and pages.' },
  supportEmail: { label: 'Support email', description: 'Of the tenant’s customer support.' },
  website: { label: 'Website', description: 'http or https.' },
  internalNote: {
    label: 'Internal note',
    description: 'For operators; members of the tenant do not see it.',
  },
} as const;
