import { Alert, Checkbox, Stack, Text } from '@mantine/core';
import { useScreen } from '../../api/queries.js';
import { OnboardingChoicesDocument } from '../../generated/graphql.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { scopeOf, useRights } from '../../session/rights.js';
import { StepForm } from './step-form.js';
import type { StepProps } from './steps.js';

export function ModulesStep({ draft, change, fieldErrors, onNext, onBack }: StepProps) {
  const { may } = useRights();
  const mayProvision = may('provisionTenant');
  const query = useScreen(OnboardingChoicesDocument, {});
  return (
    <ScreenState query={query}>
      {({ modules }) => (
        <StepForm title="Modules" onNext={onNext} onBack={onBack}>
          {!mayProvision && (
            <Alert color="yellow" title={`Modules need scope ${scopeOf('provisionTenant')}`}>
              Without it the tenant is registered with no module. Others can add them later.
            </Alert>
          )}
          <Checkbox.Group
            label="Modules of the tenant"
            description="The storage of all of them is created, or of none. Without modules the tenant is only registered."
            value={[...draft.modules]}
            onChange={(chosen) => change({ modules: chosen })}
            error={fieldErrors.modules}
          >
            <Stack gap="xs" mt="xs">
              {modules.map((module) => (
                <Checkbox
                  key={module.name}
                  value={module.name}
                  label={module.name}
                  description={<ModuleNote module={module} />}
                  disabled={!mayProvision || module.isRetired || !module.isConfigured}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          {modules.length === 0 && <Text size="sm">The registry has no modules yet.</Text>}
        </StepForm>
      )}
    </ScreenState>
  );
}

function ModuleNote({
  module: { description, isolation, isRetired, isConfigured },
}: {
  module: { description?: string | null; isolation: string; isRetired: boolean; isConfigured: boolean };
}) {
  const where = isolation === 'DATABASE' ? 'Its data gets an own database.' : 'Its data gets an own schema.';
  const why = isRetired
    ? 'It is retired and takes no new tenants.'
    : isConfigured
      ? undefined
      : 'This gateway has no URL of its database.';
  return <span dir="auto">{[description?.replace(/\.?$/, '.'), where, why].filter(Boolean).join(' ')}</span>;
}
