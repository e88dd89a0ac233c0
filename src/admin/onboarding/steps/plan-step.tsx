import { Radio, Stack } from '@mantine/core';
import { useScreen } from '../../api/queries.js';
import { OnboardingChoicesDocument, type Plan } from '../../generated/graphql.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { StepForm } from './step-form.js';
import type { StepProps } from './steps.js';

export function PlanStep({ draft, change, fieldErrors, onNext, onBack }: StepProps) {
  const query = useScreen(OnboardingChoicesDocument, {});
  return (
    <ScreenState query={query}>
      {({ planLimits }) => (
        <StepForm title="Plan" onNext={onNext} onBack={onBack}>
          <Radio.Group
            label="Plan of the tenant"
            description="Its limits can be changed for this tenant later."
            value={draft.plan}
            onChange={(plan) => change({ plan: plan as Plan })}
            error={fieldErrors.plan}
          >
            <Stack gap="xs" mt="xs">
              {planLimits.map(({ plan, maxUsers, maxMonthlyQuotes, maxStorageGb }) => (
                <Radio
                  key={plan}
                  value={plan}
                  label={plan.toLowerCase()}
                  description={`${maxUsers.toLocaleString()} users, ${maxMonthlyQuotes.toLocaleString()} quotes a month, ${maxStorageGb.toLocaleString()} GB`}
                />
              ))}
            </Stack>
          </Radio.Group>
        </StepForm>
      )}
    </ScreenState>
  );
}
