import { TextInput } from '@mantine/core';
import { StepForm } from './step-form.js';
import type { StepProps } from './steps.js';

export function AdminStep({ draft, change, fieldErrors, onNext, onBack }: StepProps) {
  const email = draft.adminEmail.trim();
  const isNeeded = draft.modules.length > 0;
  const isReady = email === '' ? !isNeeded && draft.adminFullName.trim() === '' : email.includes('@');
  return (
    <StepForm title="First admin" onNext={onNext} onBack={onBack} isReady={isReady}>
      <TextInput
        label="Email of the first admin"
        description={
          isNeeded
            ? 'The person is invited; the token of the invitation is shown at the end.'
            : 'The person is invited. Empty: nobody is invited now.'
        }
        type="email"
        value={draft.adminEmail}
        onChange={(event) => change({ adminEmail: event.currentTarget.value })}
        error={fieldErrors.adminEmail}
        required={isNeeded}
        autoComplete="off"
      />
      <TextInput
        label="Name of the first admin"
        value={draft.adminFullName}
        onChange={(event) => change({ adminFullName: event.currentTarget.value })}
        error={fieldErrors.adminFullName}
        maxLength={200}
        dir="auto"
        autoComplete="off"
      />
    </StepForm>
  );
}
