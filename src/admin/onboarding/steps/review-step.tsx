import { Button, Group, Paper, Text } from '@mantine/core';
import type { ApiError } from '../../api/api-error.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { Facts } from '../../parts/values/facts.js';
import { AllowedButton } from '../../session/allowed-button.js';
import { slugOf } from '../draft/draft.js';
import { StepForm } from './step-form.js';
import { type StepId, type StepProps, stepOf, steps } from './steps.js';

interface ReviewStepProps extends Pick<StepProps, 'draft' | 'onBack'> {
  error: ApiError | null;
  isBusy: boolean;
  onSubmit: () => void;
  onStep: (step: StepId) => void;
}

export function ReviewStep({ draft, error, isBusy, onSubmit, onBack, onStep }: ReviewStepProps) {
  const hasModules = draft.modules.length > 0;
  const given = (text: string) => text.trim() || undefined;
  const toMend = [...new Set(error?.fields.map(({ field }) => stepOf(field)))];
  return (
    <StepForm
      title="Review"
      onNext={onSubmit}
      onBack={onBack}
      isReady={!isBusy}
      submit={
        <AllowedButton
          action={hasModules ? 'provisionTenant' : 'registerTenant'}
          type="submit"
          loading={isBusy}
        >
          {hasModules ? 'Create the tenant' : 'Register the tenant'}
        </AllowedButton>
      }
    >
      <Paper withBorder p="md">
        <Facts
          rows={{
            Name: draft.name,
            Slug: slugOf(draft),
            Modules: hasModules ? draft.modules.join(', ') : 'none',
            Plan: draft.plan.toLowerCase(),
            'Short name': given(draft.shortName),
            Email: given(draft.primaryEmail),
            'Time zone': given(draft.timezone),
            Currency: given(draft.currency)?.toUpperCase(),
            'Company name': given(draft.companyName),
            'Support email': given(draft.supportEmail),
            Website: given(draft.website),
            'Internal note': given(draft.internalNote),
            'First admin':
              [draft.adminFullName.trim(), draft.adminEmail.trim()].filter(Boolean).join(', ') || 'nobody',
          }}
        />
      </Paper>
      <Text size="sm">
        {hasModules
          ? 'The tenant is registered, the storage of its modules is created, and the first admin is invited. When a part fails, all storage is undone, and you can start again from here.'
          : 'The tenant is active at once and has no module.'}
      </Text>
      <ErrorCard error={error} />
      {toMend.length > 0 && (
        <Group gap="xs">
          {toMend.map((step) => (
            <Button key={step} size="xs" variant="default" onClick={() => onStep(step)}>
              Correct it in “{steps.find(({ id }) => id === step)?.label}”
            </Button>
          ))}
        </Group>
      )}
    </StepForm>
  );
}
